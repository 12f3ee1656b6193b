//! Addresses of Git repositories, compared as Argo CD compares them.

/// Whether an address is one of SSH: `ssh://…` or `user@host:path` (`util/git/git.go:IsSSHURL`).
pub(crate) fn is_ssh(address: &str) -> bool {
    address.starts_with("ssh://") || is_scp_like(address)
}

fn is_scp_like(address: &str) -> bool {
    !address.contains("://")
        && address
            .split_once(':')
            .is_some_and(|(host, _)| host.contains('@') && !host.contains('/'))
}

/// Returns the form in which two addresses of one repository are equal (`util/git/git.go:NormalizeGitURL`).
pub(crate) fn normal(address: &str) -> String {
    let lower = address.trim().to_lowercase();
    let slashed = if is_scp_like(&lower) {
        lower.replacen(':', "/", 1)
    } else {
        lower
    };
    let bare = slashed.strip_suffix(".git").unwrap_or(&slashed);
    bare.strip_prefix("ssh://").unwrap_or(bare).to_owned()
}

/// Whether what an Application wants of a repository is what was fetched: the branch or tag `revision`, at `commit`.
pub(crate) fn is_revision(target: &str, revision: &str, commit: &str) -> bool {
    let bare = target
        .strip_prefix("refs/heads/")
        .or_else(|| target.strip_prefix("refs/tags/"))
        .unwrap_or(target);
    bare == revision || bare == commit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_to_write_one_repository_are_equal() {
        let same = [
            "git@git.example.com:shop/platform.git",
            "ssh://git@git.example.com/shop/platform",
            " GIT@git.example.com:Shop/platform ",
        ];
        for address in same {
            assert_eq!(normal(address), "git@git.example.com/shop/platform", "{address}");
        }
        assert_eq!(
            normal("https://git.example.com/a.git"),
            normal("https://GIT.example.com/A")
        );
        assert_ne!(
            normal("https://git.example.com/a"),
            normal("ssh://git@git.example.com/a")
        );
    }

    #[test]
    fn an_address_of_ssh_is_known() {
        for (address, ssh) in [
            ("git@host:path", true),
            ("ssh://host/path", true),
            ("https://user@host:8443/path", false),
            ("registry.example.com:5000/charts", false),
            ("file:///srv/git", false),
        ] {
            assert_eq!(is_ssh(address), ssh, "{address}");
        }
    }
}
