//! To which addresses a login may be sent.

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
}
