//! The age keys that a store has: identities, as `age-keygen` and `ssh-keygen` write them.

use std::io::Read as _;

use age::Identity;
use zeroize::Zeroizing;

use super::cipher::DataKey;
use super::metadata::Recipient;
use crate::redact::{Redactor, Secret};

/// The longest data key that is read; SOPS makes them of 32 bytes.
const LONGEST: u64 = 1024;

/// Identities of age.
pub(super) struct Keys {
    known: Vec<Known>,
    /// How many there are of kinds that only the program can use.
    pub(super) foreign: usize,
    /// The text that they were read from, for the program.
    pub(super) text: Secret,
}

/// An identity that can be used here.
struct Known {
    identity: Box<dyn Identity + Send + Sync>,
    /// Its public part.
    public: String,
}

impl Keys {
    /// Reads identities; the redactor learns them. An error says what is wrong with the text and quotes nothing of it.
    pub(super) fn read(text: &Secret, redactor: &Redactor) -> Result<Self, &'static str> {
        redactor.learn(text);
        let words = text.expose_str().ok_or("it is no text")?;
        let mut keys = Self {
            known: Vec::new(),
            foreign: 0,
            text: text.clone(),
        };
        if words.contains("-----BEGIN AGE ENCRYPTED FILE-----") || words.starts_with("age-encryption.org/") {
            return Err("it is encrypted itself, by a passphrase: give it open");
        }
        if words.trim_start().starts_with("-----BEGIN") {
            keys.known.push(ssh(words)?);
            return Ok(keys);
        }
        let lines = words.lines().map(str::trim);
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
            redactor.learn(&Secret::from(line));
            if line.starts_with("AGE-SECRET-KEY-1") {
                let identity: age::x25519::Identity = line
                    .parse()
                    .map_err(|_| "one of its lines begins as an age key does and is none: perhaps it was cut off")?;
                keys.known.push(Known {
                    public: identity.to_public().to_string(),
                    identity: Box::new(identity),
                });
            } else if line.starts_with("AGE-PLUGIN-") || line.starts_with("AGE-SECRET-KEY-") {
                keys.foreign += 1;
            } else if line.starts_with("age1") {
                return Err("it is the public part of a key (`age1…`); the secret one begins with AGE-SECRET-KEY-1");
            } else {
                return Err("it is no age key: such begin with AGE-SECRET-KEY-1");
            }
        }
        if keys.known.is_empty() && keys.foreign == 0 {
            return Err("it holds no key");
        }
        Ok(keys)
    }

    /// Returns the public parts of the keys that can be used here.
    pub(super) fn public(&self) -> Vec<&str> {
        self.known.iter().map(|known| known.public.as_str()).collect()
    }

    /// Whether one of them is that of a recipient, by the recipient's name.
    pub(super) fn own_one_of(&self, recipients: &[Recipient]) -> bool {
        recipients.iter().any(|recipient| {
            let named = bare(&recipient.recipient);
            self.known.iter().any(|known| bare(&known.public) == named)
        })
    }

    /// Opens the data key, whichever of the recipients we are.
    pub(super) fn open(&self, recipients: &[Recipient]) -> Option<DataKey> {
        recipients.iter().find_map(|recipient| {
            let key = self.opened(recipient.enc.as_bytes())?;
            DataKey::new(Secret::new(key.as_slice()))
        })
    }

    fn opened(&self, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let decryptor = age::Decryptor::new(age::armor::ArmoredReader::new(sealed)).ok()?;
        let identities = self.known.iter().map(|known| &*known.identity as &dyn Identity);
        let reader = decryptor.decrypt(identities).ok()?;
        let mut key = Zeroizing::new(Vec::with_capacity(64));
        reader.take(LONGEST).read_to_end(&mut key).ok()?;
        Some(key)
    }
}

/// Reads a key of SSH.
fn ssh(text: &str) -> Result<Known, &'static str> {
    const NONE: &str = "it is no key of SSH that age can use: it takes ed25519 and RSA";
    let identity = age::ssh::Identity::from_buffer(text.as_bytes(), None).map_err(|_| NONE)?;
    match &identity {
        age::ssh::Identity::Unencrypted(_) => {}
        age::ssh::Identity::Encrypted(_) => return Err("it is protected by a passphrase: give it open"),
        age::ssh::Identity::Unsupported(_) => return Err(NONE),
    }
    let public = age::ssh::Recipient::try_from(identity.clone()).map_err(|_| NONE)?;
    Ok(Known {
        public: public.to_string(),
        identity: Box::new(identity),
    })
}

/// Returns a public key without the remark that one of SSH may end with.
fn bare(public: &str) -> String {
    public.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
pub(super) mod tests {
    use age::secrecy::ExposeSecret as _;

    use super::*;

    /// Returns a new age key: its secret and its public part.
    pub(in super::super) fn age_key() -> (String, String) {
        let identity = age::x25519::Identity::generate();
        let public = identity.to_public().to_string();
        (identity.to_string().expose_secret().to_owned(), public)
    }

    /// Encrypts a data key for a recipient.
    pub(in super::super) fn enc(public: &str, key: &[u8]) -> String {
        let recipient: age::x25519::Recipient = public.parse().unwrap();
        age::encrypt_and_armor(&recipient, key).unwrap()
    }

    fn read(text: &str) -> Result<Keys, &'static str> {
        Keys::read(&Secret::from(text), &Redactor::default())
    }

    #[test]
    fn all_keys_of_a_file_are_read_and_the_one_that_fits_opens() {
        let ((mine, public), (other, other_public)) = (age_key(), age_key());
        let text =
            format!("# created: today\n# public key: {other_public}\n{other}\n\n{mine}\nAGE-PLUGIN-YUBIKEY-1QQ\n");
        let keys = read(&text).unwrap();
        assert_eq!(keys.public(), [other_public.as_str(), public.as_str()]);
        assert_eq!(keys.foreign, 1);
        let (_, stranger) = age_key();
        let of = |public: &str| Recipient {
            recipient: public.to_owned(),
            enc: enc(public, &[5; 32]),
        };
        assert!(keys.open(&[of(&stranger), of(&public)]).is_some());
        assert!(keys.own_one_of(&[of(&stranger), of(&public)]));
        assert!(keys.open(&[of(&stranger)]).is_none());
        assert!(!keys.own_one_of(&[of(&stranger)]));
    }

    #[test]
    fn what_is_no_key_is_told_without_quoting_it_and_keys_are_learnt() {
        for (text, words) in [
            ("", "holds no key"),
            ("hunter2hunter2", "no age key"),
            ("AGE-SECRET-KEY-1HUNTER2", "cut off"),
            ("age1qqqqqqqqqq", "public part"),
            ("-----BEGIN AGE ENCRYPTED FILE-----\nhunter2", "passphrase"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2", "no key of SSH"),
        ] {
            let said = read(text).err().unwrap();
            assert!(said.contains(words) && !said.contains("hunter2"), "{said}");
        }
        let (secret, _) = age_key();
        let redactor = Redactor::default();
        Keys::read(&Secret::from(format!("# note\n{secret}\n").as_str()), &redactor).unwrap();
        assert!(!redactor.redact(&format!("it says {secret}")).contains(&secret));
    }
}
