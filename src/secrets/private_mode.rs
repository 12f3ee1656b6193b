//! Whether nobody else could have read a file or put it there.

use rustix::process;

/// Whoever is neither the owner nor of the group may do nothing.
const OTHERS: u32 = 0o007;
const GROUP: u32 = 0o070;
const GROUP_READS: u32 = 0o040;
const ROOT: u32 = 0;

/// As whom we read.
pub(super) struct We {
    pub(super) user: u32,
    groups: Vec<u32>,
}

/// To whom a file is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Open {
    /// To others by its mode.
    ByMode,
    /// To another user who owns it.
    ToOwner,
}

impl We {
    /// Returns as whom this process reads.
    pub(super) fn now() -> Self {
        // That they cannot be listed makes the file no less private.
        let mut groups: Vec<u32> = process::getgroups()
            .unwrap_or_default()
            .into_iter()
            .map(process::Gid::as_raw)
            .collect();
        groups.push(process::getegid().as_raw());
        Self {
            user: process::geteuid().as_raw(),
            groups,
        }
    }

    /// Returns to whom a file is open beside us and root, who can read everything anyway.
    ///
    /// A group of ours may read what belongs to root: so a Secret is mounted for a pod that does not run as root. Its files belong to
    /// root, and to the pod's `fsGroup`, for which the kubelet adds the right to read
    /// (`pkg/volume/volume_linux.go`, `changeFilePermission`).
    pub(super) fn finds_open(&self, mode: u32, owner: u32, group: u32) -> Option<Open> {
        let is_mounted = owner == ROOT && mode & GROUP == GROUP_READS && self.groups.contains(&group);
        if mode & OTHERS != 0 || (mode & GROUP != 0 && !is_mounted) {
            return Some(Open::ByMode);
        }
        (owner != self.user && owner != ROOT).then_some(Open::ToOwner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ours_or_mounted_for_us_is_private_and_nothing_else() {
        let we = We {
            user: 1000,
            groups: vec![1000, 2000],
        };
        for (mode, owner, group, expected) in [
            (0o600, 1000, 1000, None),
            (0o400, 1000, 3000, None),
            // As the kubelet mounts it: without `fsGroup`, and with it.
            (0o400, 0, 0, None),
            (0o440, 0, 2000, None),
            (0o640, 0, 2000, None),
            (0o440, 0, 3000, Some(Open::ByMode)),
            (0o440, 0, 0, Some(Open::ByMode)),
            (0o444, 0, 2000, Some(Open::ByMode)),
            (0o460, 0, 2000, Some(Open::ByMode)),
            (0o450, 0, 2000, Some(Open::ByMode)),
            // A group of ours may be everybody's, and nobody has to give it what is our own.
            (0o640, 1000, 1000, Some(Open::ByMode)),
            (0o604, 1000, 1000, Some(Open::ByMode)),
            (0o601, 1000, 1000, Some(Open::ByMode)),
            (0o600, 1001, 1000, Some(Open::ToOwner)),
            (0o440, 1001, 2000, Some(Open::ByMode)),
        ] {
            assert_eq!(
                we.finds_open(mode, owner, group),
                expected,
                "{mode:04o} of {owner}:{group}"
            );
        }
    }
}
