//! The programs that render.

use std::path::{Path, PathBuf};

use tokio::sync::OnceCell;

use super::{Error, Form, Renderer, Settings};
use crate::exec::{self, Exec};

/// An address at which nobody listens, for programs that must not use the network (`discard`, RFC 863).
const NOWHERE: &str = "http://127.0.0.1:9";

/// Ssh without keys and without questions: it takes the user's home from the list of users rather than from `HOME`.
const SSH: &str = "ssh -F /dev/null -o BatchMode=yes -o IdentitiesOnly=yes -o IdentityFile=/dev/null";

/// What the programs say of themselves, each asked once.
#[derive(Default)]
pub(super) struct Versions {
    kustomize: OnceCell<String>,
    helm: OnceCell<String>,
    jsonnet: OnceCell<String>,
}

impl Settings {
    /// Finds a program.
    pub(super) fn find(&self, name: &str) -> Option<PathBuf> {
        let path = self.programs.clone().or_else(|| std::env::var_os("PATH"))?;
        std::env::split_paths(&path)
            .map(|folder| folder.join(name))
            .find(|file| file.is_file())
    }
}

impl Renderer {
    /// Returns a program that runs in `directory` with a home folder of its own, in all bounds, without the network and
    /// without a way to other programs.
    pub(super) fn program(&self, program: &Path, directory: &Path, home: &Path) -> Exec {
        let offline = ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"].map(|name| (name, NOWHERE));
        let exec = self.networked(program, directory, home);
        offline
            .into_iter()
            .fold(exec, |exec, (name, value)| exec.env(name, value))
    }

    /// Returns a program as [`Renderer::program`] does, with the network and the programs by which it fetches.
    pub(super) fn fetching(&self, program: &Path, directory: &Path, home: &Path) -> Exec {
        let folders = self.settings.programs.clone().or_else(|| std::env::var_os("PATH"));
        self.networked(program, directory, home)
            .env("PATH", folders.unwrap_or_default())
            // What wants a login fails instead of asking on the terminal.
            .env("GIT_TERMINAL_PROMPT", "0")
            // Git takes nothing from this machine's disk, and no program of the repository's choice.
            .env("GIT_ALLOW_PROTOCOL", "https:http:ssh")
            .env("GIT_SSH_COMMAND", SSH)
    }

    /// Returns a program as [`Renderer::program`] does, with the network.
    pub(super) fn networked(&self, program: &Path, directory: &Path, home: &Path) -> Exec {
        let name = program.file_name().unwrap_or(program.as_os_str());
        Exec::new(program, &self.redactor)
            .called(name.to_string_lossy())
            .directory(directory)
            .limit(self.settings.limit)
            .memory(self.settings.memory)
            .output(self.settings.output)
            .env("HOME", home)
            .env("PATH", home.join("bin"))
            .env("TMPDIR", home)
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("HELM_CACHE_HOME", home.join("cache"))
            .env("HELM_CONFIG_HOME", home.join("config"))
            .env("HELM_DATA_HOME", home.join("data"))
    }

    /// Returns what a form's programs say of themselves; part of the key under which is kept what they made.
    pub(super) async fn versions(&self, form: Form) -> String {
        let own = self.version(form).await;
        if form == Form::Kustomize && self.settings.build_options.contains("--enable-helm") {
            return format!("{own}, {}", self.version(Form::Helm).await);
        }
        own
    }

    async fn version(&self, form: Form) -> String {
        let (cell, name, args): (_, _, &[&str]) = match form {
            Form::Plain => (&self.programs.jsonnet, "jsonnet", &["--version"]),
            Form::Kustomize => (&self.programs.kustomize, "kustomize", &["version"]),
            Form::Helm => (&self.programs.helm, "helm", &["version", "--short"]),
        };
        let said = cell.get_or_init(async || {
            let Some(program) = self.settings.find(name) else {
                return String::new();
            };
            let Ok(home) = home() else { return String::new() };
            let said = self.program(&program, home.path(), home.path()).args(args).run().await;
            String::from_utf8_lossy(&said.unwrap_or_default()).trim().to_owned()
        });
        said.await.clone()
    }
}

/// Makes a home folder for a program.
pub(super) fn home() -> Result<tempfile::TempDir, Error> {
    tempfile::tempdir().map_err(|source| Error::Unreadable {
        path: std::env::temp_dir(),
        source,
    })
}

/// Says what a program's failure is for a source.
pub(super) fn explain(path: &str, form: Form, source: exec::Error) -> Error {
    Error::Program {
        path: path.to_owned(),
        form,
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Redactor;

    #[tokio::test]
    async fn what_fetches_has_neither_the_users_keys_nor_this_machines_repositories_nor_a_way_to_ask() {
        let renderer = Renderer::new(Settings::default(), &Redactor::default());
        let home = home().unwrap();
        let env = renderer
            .fetching(Path::new("env"), home.path(), home.path())
            .run()
            .await
            .unwrap();
        let env = String::from_utf8(env).unwrap();
        for expected in [
            "GIT_TERMINAL_PROMPT=0".to_owned(),
            "GIT_ALLOW_PROTOCOL=https:http:ssh".to_owned(),
            "GIT_SSH_COMMAND=ssh -F /dev/null -o BatchMode=yes -o IdentitiesOnly=yes -o IdentityFile=/dev/null"
                .to_owned(),
            format!("HOME={}", home.path().display()),
        ] {
            assert!(env.lines().any(|line| line == expected), "{expected}: {env}");
        }
        assert!(!env.contains("SSH_AUTH_SOCK"), "{env}");
    }
}
