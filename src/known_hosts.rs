//! The `known_hosts` format, as sshd(8) describes it: plain, hashed and negated names, wildcards, and markers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

/// Returns a host as the format names it.
pub fn name(host: &str, port: u16) -> String {
    let host = host.to_lowercase();
    if port == 22 { host } else { format!("[{host}]:{port}") }
}

/// Returns the lines about a host.
pub fn entries<'text>(text: &'text str, host: &str, port: u16) -> impl Iterator<Item = Entry<'text>> {
    let name = name(host, port);
    text.lines()
        .filter_map(Entry::parse)
        .filter(move |entry| entry.names(&name))
}

/// What is in a line.
#[derive(Debug)]
pub enum Line<'line> {
    /// A host, or several, with a key.
    Entry(Entry<'line>),
    /// Nothing, or a comment.
    Nothing,
    /// What ssh passes over, since it is neither.
    Unreadable,
}

/// Returns what is in each line.
pub fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    text.lines().map(str::trim).map(|line| {
        if line.is_empty() || line.starts_with('#') {
            Line::Nothing
        } else {
            Entry::parse(line).map_or(Line::Unreadable, Line::Entry)
        }
    })
}

/// One line about a host.
#[derive(Debug)]
pub struct Entry<'line> {
    /// `@revoked` or `@cert-authority`.
    pub marker: Option<&'line str>,
    hosts: &'line str,
    /// The type of the key, such as `ssh-ed25519`.
    pub kind: &'line str,
    /// The key.
    pub key: Vec<u8>,
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

    fn line(hosts: &str, kind: &str, key: &[u8]) -> String {
        format!("{hosts} {kind} {} a comment\n", STANDARD.encode(key))
    }

    fn known(text: &str, host: &str, port: u16) -> bool {
        entries(text, host, port).any(|entry| entry.key == KEY)
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
            assert!(known(&line(hosts, "ssh-ed25519", KEY), host, port), "{hosts}");
        }
        for (hosts, host, port) in [
            ("git.example.com", "git.example.com", 2222),
            ("[git.example.com]:2222", "git.example.com", 22),
            ("*.example.com,!git.example.com", "git.example.com", 22),
            ("example.com", "git.example.com", 22),
            ("*.example.com", "git.example.org", 22),
        ] {
            assert!(!known(&line(hosts, "ssh-ed25519", KEY), host, port), "{hosts}");
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
        assert!(known(&text, "git.example.com", 2222));
        assert!(!known(&text, "git.example.com", 22));
    }
}
