//! The `known_hosts` format, as sshd(8) describes it: plain, hashed and negated names, wildcards, and markers.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::{HostKey, Known};

/// Checks the key that a host shows. The error says what is known instead and how the key would be made known.
pub(super) fn check(text: &str, host: &str, port: u16, kind: &str, key: &[u8]) -> Result<(), HostKey> {
    let name = name(host, port);
    let mut known = Known::Nothing;
    let mut trusted = false;
    for entry in text.lines().filter_map(Entry::parse).filter(|entry| entry.names(&name)) {
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
        line: format!("{name} {kind} {}", STANDARD.encode(key)),
        host: name,
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

/// Returns a host as the format names it.
fn name(host: &str, port: u16) -> String {
    let host = host.to_lowercase();
    if port == 22 { host } else { format!("[{host}]:{port}") }
}

/// One line.
struct Entry<'line> {
    marker: Option<&'line str>,
    hosts: &'line str,
    kind: &'line str,
    key: Vec<u8>,
}

impl<'line> Entry<'line> {
    fn parse(line: &'line str) -> Option<Self> {
        let line = line.trim();
        if line.starts_with('#') {
            return None;
        }
        let mut words = line.split_whitespace();
        let mut hosts = words.next()?;
        let marker = hosts.starts_with('@').then_some(hosts);
        if marker.is_some() {
            hosts = words.next()?;
        }
        let kind = words.next()?;
        let key = STANDARD.decode(words.next()?).ok()?;
        Some(Self {
            marker,
            hosts,
            kind,
            key,
        })
    }

    /// Whether the line is about this host.
    fn names(&self, name: &str) -> bool {
        if let Some(hashed) = self.hosts.strip_prefix("|1|") {
            return hashes_to(hashed, name).unwrap_or(false);
        }
        let mut found = false;
        for pattern in self.hosts.split(',').map(str::to_lowercase) {
            match pattern.strip_prefix('!') {
                Some(pattern) if matches(pattern, name) => return false,
                Some(_) => {}
                None => found |= matches(&pattern, name),
            }
        }
        found
    }
}

/// Whether `salt|hash` is the keyed hash of the name.
fn hashes_to(hashed: &str, name: &str) -> Option<bool> {
    let (salt, hash) = hashed.split_once('|')?;
    let mut mac = Hmac::<Sha1>::new_from_slice(&STANDARD.decode(salt).ok()?).ok()?;
    mac.update(name.as_bytes());
    Some(mac.verify_slice(&STANDARD.decode(hash).ok()?).is_ok())
}

/// Whether a pattern with `*` and `?` matches the whole name.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut upto, mut star) = (0, 0, None);
    while upto < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, upto));
                at += 1;
            }
            Some(letter) if *letter == '?' || *letter == name[upto] => {
                at += 1;
                upto += 1;
            }
            _ => match star {
                // The last star takes one letter more, and what follows it is tried again.
                Some((place, taken)) => {
                    star = Some((place, taken + 1));
                    at = place + 1;
                    upto = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|letter| *letter == '*')
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
    fn a_host_is_found_by_every_form_of_its_name() {
        for (hosts, host, port) in [
            ("git.example.com", "git.example.com", 22),
            ("Git.Example.com,10.0.0.7", "git.example.COM", 22),
            ("10.0.0.7,git.example.com", "git.example.com", 22),
            ("[git.example.com]:2222", "git.example.com", 2222),
            ("*.example.com", "git.example.com", 22),
            ("git?.example.com", "git2.example.com", 22),
        ] {
            assert_eq!(known(&line(hosts, "ssh-ed25519", KEY), host, port), Ok(()), "{hosts}");
        }
        for (hosts, host, port) in [
            ("git.example.com", "git.example.com", 2222),
            ("[git.example.com]:2222", "git.example.com", 22),
            ("*.example.com,!git.example.com", "git.example.com", 22),
            ("example.com", "git.example.com", 22),
            ("*.example.com", "git.example.org", 22),
        ] {
            assert_eq!(
                known(&line(hosts, "ssh-ed25519", KEY), host, port),
                Err(Known::Nothing),
                "{hosts}"
            );
        }
    }

    #[test]
    fn a_hashed_name_is_found() {
        // As `ssh-keygen -H` writes it: a keyed hash of the name, with the key beside it.
        let mut mac = Hmac::<Sha1>::new_from_slice(b"01234567890123456789").unwrap();
        mac.update(b"[git.example.com]:2222");
        let hash = STANDARD.encode(mac.finalize().into_bytes());
        let hosts = format!("|1|{}|{hash}", STANDARD.encode(b"01234567890123456789"));
        let text = line(&hosts, "ssh-ed25519", KEY);
        assert_eq!(known(&text, "git.example.com", 2222), Ok(()));
        assert_eq!(known(&text, "git.example.com", 22), Err(Known::Nothing));
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
