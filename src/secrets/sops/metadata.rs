//! What a file says of its encryption (`stores/stores.go` of SOPS).

use std::collections::BTreeMap;

/// What SOPS adds to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Metadata {
    /// For whom the data key was encrypted by age.
    pub(super) age: Vec<Recipient>,
    /// The other ways in which the data key was encrypted: `pgp`, `kms`, ….
    pub(super) others: Vec<&'static str>,
    /// Whether more than one key is needed to open it.
    pub(super) is_shared: bool,
    /// When it was last written, as it stands there.
    pub(super) last_modified: String,
    /// The encrypted MAC.
    pub(super) mac: String,
    /// Whether only encrypted values count for the MAC.
    pub(super) mac_only_encrypted: bool,
    /// The version of SOPS.
    pub(super) version: String,
    /// Which values are encrypted.
    pub(super) selection: Selection,
}

/// For whom a data key was encrypted, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Recipient {
    /// The public key.
    pub(super) recipient: String,
    /// The encrypted data key, armoured.
    pub(super) enc: String,
}

/// Which values are encrypted, as it stands in the file; empty where it does not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Selection {
    pub(super) unencrypted_suffix: String,
    pub(super) encrypted_suffix: String,
    pub(super) unencrypted_regex: String,
    pub(super) encrypted_regex: String,
    /// Whether comments decide.
    pub(super) by_comment: bool,
}

/// How SOPS calls the ways to encrypt a data key, and how people do.
const OTHERS: [(&str, &str); 6] = [
    ("pgp", "PGP"),
    ("kms", "AWS KMS"),
    ("gcp_kms", "Google's KMS"),
    ("hckms", "Huawei's KMS"),
    ("azure_kv", "Azure Key Vault"),
    ("hc_vault", "Vault's transit engine"),
];

impl Metadata {
    /// Reads what was written flat; `None` where it is not SOPS's.
    pub(super) fn of(said: &[(String, String)]) -> Option<Self> {
        let said: BTreeMap<&str, &str> = said.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let text = |key: &str| said.get(key).copied().unwrap_or_default().to_owned();
        let holds = |list: &str| {
            let start = format!("{list}__");
            said.keys().any(|key| key.starts_with(&start))
        };
        // What has neither of these is another tool's.
        if !said.contains_key("mac") && !said.contains_key("version") && !said.contains_key("lastmodified") {
            return None;
        }
        let age = (0..)
            .map_while(|index| {
                let part = |name: &str| said.get(format!("age__list_{index}__map_{name}").as_str()).copied();
                Some(Recipient {
                    recipient: part("recipient").unwrap_or_default().to_owned(),
                    enc: part("enc")?.to_owned(),
                })
            })
            .collect();
        Some(Self {
            age,
            others: OTHERS
                .into_iter()
                .filter_map(|(key, called)| holds(key).then_some(called))
                .collect(),
            is_shared: holds("key_groups"),
            last_modified: text("lastmodified"),
            mac: text("mac"),
            mac_only_encrypted: text("mac_only_encrypted") == "true",
            version: text("version"),
            selection: Selection {
                unencrypted_suffix: text("unencrypted_suffix"),
                encrypted_suffix: text("encrypted_suffix"),
                unencrypted_regex: text("unencrypted_regex"),
                encrypted_regex: text("encrypted_regex"),
                by_comment: ["unencrypted_comment_regex", "encrypted_comment_regex"]
                    .iter()
                    .any(|key| !text(key).is_empty()),
            },
        })
    }

    /// Returns for whom it was encrypted, for people.
    pub(super) fn recipients(&self) -> Vec<String> {
        let age = self.age.iter().map(|recipient| recipient.recipient.clone());
        age.chain(self.others.iter().map(|other| (*other).to_owned())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let own = |text: &str| text.to_owned();
        pairs.iter().map(|(key, value)| (own(key), own(value))).collect()
    }

    #[test]
    fn all_recipients_and_other_ways_are_found() {
        let metadata = Metadata::of(&said(&[
            ("age__list_0__map_enc", "one"),
            ("age__list_0__map_recipient", "age1a"),
            ("age__list_1__map_enc", "two"),
            ("age__list_1__map_recipient", "age1b"),
            ("pgp__list_0__map_fp", "ABC"),
            ("hc_vault__list_0__map_engine_path", "transit"),
            ("mac", "ENC[]"),
            ("mac_only_encrypted", "true"),
        ]))
        .unwrap();
        assert_eq!(
            metadata.recipients(),
            ["age1a", "age1b", "PGP", "Vault's transit engine"]
        );
        assert!(metadata.mac_only_encrypted && !metadata.is_shared);
    }

    #[test]
    fn shares_of_a_key_are_seen_and_what_is_no_metadata_is_not_taken_for_it() {
        let shared = [
            ("key_groups__list_0__map_age__list_0__map_enc", "x"),
            ("version", "3.9.0"),
        ];
        assert!(Metadata::of(&said(&shared)).unwrap().is_shared);
        assert_eq!(Metadata::of(&said(&[("enabled", "true")])), None);
    }
}
