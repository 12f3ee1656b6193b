//! Addresses of repositories: to which of them a login may be sent, and how one is shown.

/// Whether a login for all repositories below an address may be sent to another: scheme and host are the same, and the path
/// goes on only at a `/`. Argo CD takes whatever begins with the same letters (`getRepositoryCredentialIndex` in `util/db`), so
/// that a host whose name merely begins alike would be told the password.
pub fn covers(login: &str, address: &str) -> bool {
    let (login, address) = (parts(login), parts(address));
    let below = address.2.strip_prefix(login.2);
    !login.1.is_empty()
        && login.0.eq_ignore_ascii_case(address.0)
        && login.1.eq_ignore_ascii_case(address.1)
        && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        && !address.2.split('/').any(|step| step == "..")
}

/// Returns an address as it may be shown and kept: without the login that is written in it. The user of SSH is part of the
/// address.
pub fn without_password(address: &str) -> String {
    match login(address) {
        Some((user, range)) if user.contains(':') || !address.starts_with("ssh://") => {
            format!("{}{}", &address[..range.start], &address[range.end..])
        }
        _ => address.to_owned(),
    }
}

/// Returns the password that is written in an address, as it is written there.
pub fn password(address: &str) -> Option<&str> {
    let (user, _) = login(address)?;
    user.split_once(':')
        .map(|(_, password)| password)
        .filter(|password| !password.is_empty())
}

/// Whether a user and a password are written in an address, be it an empty one.
pub fn has_password(address: &str) -> bool {
    login(address).is_some_and(|(user, _)| user.contains(':'))
}

/// Returns what stands before the `@` of an address, and where that is, the `@` included.
fn login(address: &str) -> Option<(&str, std::ops::Range<usize>)> {
    let start = address.find("://")? + 3;
    let authority = address[start..].split(['/', '?', '#']).next()?;
    let (user, _) = authority.rsplit_once('@')?;
    Some((user, start..start + user.len() + 1))
}

/// Takes an address apart: its scheme, empty where none is written; its host with user and port; and its path.
fn parts(address: &str) -> (&str, &str, &str) {
    let (scheme, rest) = address.split_once("://").unwrap_or(("", address));
    let rest = rest.trim_end_matches('/');
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    (scheme, host, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_sent_only_to_its_own_host_and_below_its_path() {
        for (login, address, expected) in [
            ("https://h", "https://h/team/x", true),
            ("https://h/", "https://H/team/x", true),
            ("https://h/team", "https://h/team", true),
            ("https://h/team/", "https://h/team/x", true),
            ("git@h", "git@h/team/x", true),
            ("h:5000/charts", "h:5000/charts/a", true),
            ("https://h", "https://h.evil.net/x", false),
            ("https://h", "https://h@evil.net/x", false),
            ("https://h", "https://h:8443/x", false),
            ("https://h", "http://h/x", false),
            ("https://h/team", "https://h/teams/x", false),
            ("https://h/team", "https://h/team/../x", false),
            ("https://", "https://h/x", false),
            ("https:", "https://h/x", false),
            ("", "https://h/x", false),
            ("h", "h.evil.net/x", false),
        ] {
            assert_eq!(covers(login, address), expected, "{login} {address}");
        }
    }

    #[test]
    fn an_address_is_shown_without_its_password() {
        for (address, shown, secret) in [
            ("https://bot:hunter2@h/a.git", "https://h/a.git", Some("hunter2")),
            ("https://bot:p@ss@h:8443/a", "https://h:8443/a", Some("p@ss")),
            ("oci://bot:hunter2@h/charts", "oci://h/charts", Some("hunter2")),
            ("https://token@h/a", "https://h/a", None),
            ("ssh://git:hunter2@h/a", "ssh://h/a", Some("hunter2")),
            ("ssh://git@h/a", "ssh://git@h/a", None),
            ("git@h:a", "git@h:a", None),
            ("https://h:8443/pa:th@x", "https://h:8443/pa:th@x", None),
        ] {
            assert_eq!(without_password(address), shown, "{address}");
            assert_eq!(password(address), secret, "{address}");
        }
    }

    #[test]
    fn a_password_in_an_address_is_seen() {
        assert!(has_password("https://user:word@host/path"));
        assert!(!has_password("https://user@host:8443/pa:th@x"));
        assert!(!has_password("git@host:path"));
    }
}
