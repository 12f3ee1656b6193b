//! Whether the key that a host shows is the one that this machine knows.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest as _, Sha256};

use super::{HostKey, Known};
use crate::known_hosts::{entries, name};

/// Checks the key that a host shows. The error says what is known instead and how the key would be made known.
pub(super) fn check(text: &str, host: &str, port: u16, kind: &str, key: &[u8]) -> Result<(), HostKey> {
    let mut known = Known::Nothing;
    let mut trusted = false;
    for entry in entries(text, host, port) {
        match (entry.marker, entry.key == key) {
            (Some("@revoked"), true) => {
                known = Known::Revoked;
                trusted = false;
                break;
            }
            (None, true) => trusted = true,
            (None, false) if entry.kind == kind => known = Known::AnotherKey,
            (None, false) => match &mut known {
                Known::Nothing => known = Known::OtherTypes(vec![entry.kind.to_owned()]),
                Known::OtherTypes(types) => types.push(entry.kind.to_owned()),
                Known::AnotherKey | Known::Revoked => {}
            },
            // Certificate authorities of hosts are not understood; their hosts count as not known.
            (Some(_), _) => {}
        }
    }
    if trusted {
        return Ok(());
    }
    Err(HostKey {
        fingerprint: format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(key))),
        line: format!("{} {kind} {}", name(host, port), STANDARD.encode(key)),
        host: name(host, port),
        known,
    })
}

/// Returns the user's and the system's own files, one after the other; empty where there are none.
pub(super) fn of_this_machine() -> String {
    let user = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".ssh/known_hosts"));
    user.into_iter()
        .chain([PathBuf::from("/etc/ssh/ssh_known_hosts")])
        .filter_map(|file| std::fs::read_to_string(file).ok())
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"the server's key";
    const OTHER: &[u8] = b"another key";

    fn line(hosts: &str, kind: &str, key: &[u8]) -> String {
        format!("{hosts} {kind} {} a comment\n", STANDARD.encode(key))
    }

    fn known(text: &str, host: &str, port: u16) -> Result<(), Known> {
        check(text, host, port, "ssh-ed25519", KEY).map_err(|key| key.known)
    }

    #[test]
    fn a_changed_key_is_told_from_an_unknown_one() {
        let changed = line("h", "ssh-ed25519", OTHER);
        assert_eq!(known(&changed, "h", 22), Err(Known::AnotherKey));
        let other_type = line("h", "ssh-rsa", OTHER);
        assert_eq!(
            known(&other_type, "h", 22),
            Err(Known::OtherTypes(vec!["ssh-rsa".to_owned()]))
        );
        assert_eq!(known("# nothing\n\nbroken line\n", "h", 22), Err(Known::Nothing));
        let rotated = changed + &line("h", "ssh-ed25519", KEY);
        assert_eq!(known(&rotated, "h", 22), Ok(()));
    }

    #[test]
    fn a_revoked_key_is_never_trusted() {
        let text = line("h", "ssh-ed25519", KEY) + &line("@revoked *", "ssh-ed25519", KEY);
        assert_eq!(known(&text, "h", 22), Err(Known::Revoked));
        assert_eq!(
            known(&line("@cert-authority *", "ssh-ed25519", KEY), "h", 22),
            Err(Known::Nothing)
        );
    }

    #[test]
    fn an_unknown_key_comes_with_the_line_that_makes_it_known() {
        let unknown = check("", "h", 2222, "ssh-ed25519", KEY).unwrap_err();
        assert_eq!(unknown.host, "[h]:2222");
        assert!(unknown.fingerprint.starts_with("SHA256:") && !unknown.fingerprint.ends_with('='));
        assert_eq!(check(&unknown.line, "h", 2222, "ssh-ed25519", KEY), Ok(()));
    }
}
