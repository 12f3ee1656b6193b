//! The files that a pod's processes see.
//!
//! A pod's mounts (`/app/config/tls`, `/var/run/secrets/…`) are at paths that do not exist on the host, and a mount point must exist.
//! Making such folders on somebody's machine would be rude and would be shared by all beds. So each process gets a mount namespace
//! with a new root: an empty file system into which everything of the host's `/` is bound, but for the folders that belong to the
//! pod alone. In it any folder can be made, and all is gone with the process. As an ordinary user the same is done in a
//! user namespace.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Error, Programs, Result};

/// Folders at the top that are the pod's own. `/home` and `/root` are among them, so that no settings of the person who runs the
/// test (`~/.gitconfig`, `~/.ssh`) have a part in it.
const OWN: [&str; 6] = ["app", "home", "root", "run", "testbed", "tmp"];

/// Arguments: root, working folder, host name, own folders, pairs of source and target, `--`, the command.
const SCRIPT: &str = r#"
set -eu
root=$1 workdir=$2 own=$4
hostname "$3"
shift 4
mount -t tmpfs -o mode=0755 testbed "$root"
for entry in /* /.[!.]*; do
    case " $own " in *" ${entry#/} "*) continue ;; esac
    if [ -L "$entry" ]; then
        cp -P "$entry" "$root$entry"
    elif [ -d "$entry" ]; then
        mkdir "$root$entry"
        mount --rbind "$entry" "$root$entry"
    elif [ -f "$entry" ]; then
        : >"$root$entry"
        mount --bind "$entry" "$root$entry"
    fi
done
for name in $own; do mkdir "$root/$name"; done
chmod 1777 "$root/tmp"
[ -L /var/run ] || mount --bind "$root/run" "$root/var/run"
while [ "$1" != -- ]; do
    if [ -d "$1" ]; then
        mkdir -p "$root$2"
    elif [ ! -e "$root$2" ]; then
        mkdir -p "$root${2%/*}"
        : >"$root$2"
    fi
    mount --bind "$1" "$root$2"
    shift 2
done
shift
mkdir -p "$root$workdir"
exec chroot "$root" /bin/sh -c 'cd "$0" && exec "$@"' "$workdir" "$@"
"#;

/// What a process sees and knows.
pub(super) struct Root {
    /// An existing folder for the mount of the root.
    pub(super) folder: PathBuf,
    /// Host name, that of the pod.
    pub(super) hostname: String,
    /// The working folder.
    pub(super) workdir: String,
    /// Files or folders of the host and where they are mounted, in this order.
    pub(super) mounts: Vec<(PathBuf, String)>,
    /// All environment variables.
    pub(super) environment: BTreeMap<String, String>,
}

impl Root {
    /// The command that runs `words` in it.
    pub(super) fn command(&self, words: &[String]) -> Result<Command> {
        let mut command = Command::new(Programs::on_path("unshare")?);
        if !rustix::process::getuid().is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        command
            .args(["--mount", "--uts", "--", "/bin/sh", "-c", SCRIPT, "root"])
            .arg(&self.folder)
            .args([&self.workdir, &self.hostname, &OWN.join(" ")]);
        for (source, target) in &self.mounts {
            command.arg(source).arg(checked(target)?);
        }
        command.arg("--").args(words).env_clear().envs(&self.environment);
        Ok(command)
    }
}

/// The place of `target` in the root; an error if making it would make a folder on the host.
fn checked(target: &str) -> Result<String> {
    let target = match target.strip_prefix("/var/run/") {
        Some(rest) => format!("/run/{rest}"),
        None => target.trim_end_matches('/').to_owned(),
    };
    let top = target.trim_start_matches('/').split('/').next().unwrap_or_default();
    if OWN.contains(&top) || !Path::new("/").join(top).exists() || Path::new(&target).exists() {
        return Ok(target);
    }
    Err(Error::Other(format!(
        "mount {target}: the host node has no folder there and makes none in /{top}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_folder_is_ever_made_on_the_host() {
        assert_eq!(checked("/var/run/secrets/x").unwrap(), "/run/secrets/x");
        assert_eq!(checked("/app/config/tls/").unwrap(), "/app/config/tls");
        assert_eq!(checked("/helm-working-dir").unwrap(), "/helm-working-dir");
        assert_eq!(checked("/etc/hosts").unwrap(), "/etc/hosts");
        assert!(checked("/usr/share/no-such-folder").is_err());
    }
}
