//! The program `sops`, for what is not decrypted here.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use super::document::{Unread, Value};
use super::format::Format;
use super::json;
use super::settings::Settings;
use crate::exec::{Error, Exec};
use crate::redact::{Redactor, Secret};

/// How long it may take: it may ask a cloud.
const LIMIT: Duration = Duration::from_mins(1);
/// How many bytes it may write: what becomes a Secret has 1 MiB at most.
const OUTPUT: usize = 16 << 20;

/// The variable that names the addresses of Vault which the program may ask: `none`, `all`, or some.
pub(super) const VAULTS: &str = "SOPS_HC_VAULT_ALLOWLIST";

/// What the program is run with.
pub(super) struct Program<'store> {
    pub(super) settings: &'store Settings,
    /// The age keys.
    pub(super) age_key: Option<&'store Secret>,
    pub(super) redactor: &'store Redactor,
}

/// Why the program gave no values.
#[derive(Debug)]
pub(super) enum Failed {
    /// It failed.
    Itself(Error),
    /// It wrote what is not understood.
    Answer(Unread),
}

impl Program<'_> {
    /// Whether it is on this machine.
    pub(super) fn is_there(&self) -> bool {
        let program = &self.settings.program;
        if program.contains('/') {
            Path::new(program).is_file()
        } else {
            Exec::is_on_path(program)
        }
    }

    /// Lets it decrypt a file. Nothing secret becomes an argument, and the values come by a pipe.
    ///
    /// The file names the servers that the program asks for a key, and whoever can push has written the file. So what logs in
    /// somewhere comes from the runbook alone: the program finds no home with keys and tokens, and asks no Vault unless the
    /// runbook's `env` names `SOPS_HC_VAULT_ALLOWLIST` (`hcvault/keysource.go`).
    pub(super) async fn decrypt(&self, file: &Path, format: Format) -> Result<Value, Failed> {
        let home = Home::new().map_err(|source| {
            Failed::Itself(Error::Start {
                program: self.settings.program.clone(),
                source,
            })
        })?;
        // In JSON no byte may be what it is.
        let output = if format == Format::Binary { "binary" } else { "json" };
        let mut exec = Exec::new(self.settings.program.as_str(), self.redactor)
            .args(["decrypt", "--input-type", format.name(), "--output-type", output])
            .args([file])
            // Where no other people's settings lie.
            .directory(Path::new("/"))
            .limit(LIMIT)
            .output(OUTPUT);
        if !self.names("HOME") {
            for (name, value) in home.variables() {
                exec = exec.env(name, value);
            }
        }
        exec = exec.env(VAULTS, "none");
        if let Some(home) = &self.settings.gnupg_home {
            exec = exec.env("GNUPGHOME", home);
        }
        for (name, value) in &self.settings.environment {
            exec = exec.env(name, OsString::from_vec(value.expose().to_vec()));
        }
        if let Some(key) = self.age_key {
            exec = exec.env("SOPS_AGE_KEY", OsString::from_vec(key.expose().to_vec()));
        }
        let written = Zeroizing::new(exec.run().await.map_err(Failed::Itself)?);
        if format == Format::Binary {
            let whole = super::document::Leaf::text(written.as_slice());
            return Ok(Value::Map(vec![("data".to_owned(), Value::Leaf(whole))]));
        }
        drop(home);
        let text = std::str::from_utf8(&written).map_err(|_| Failed::Answer(Unread::Broken("it is no text".into())))?;
        json::read(text).map_err(Failed::Answer)
    }

    /// Whether the runbook gives it a variable.
    fn names(&self, variable: &str) -> bool {
        self.settings.environment.iter().any(|(name, _)| name == variable)
    }
}

/// A home in which nothing lies, for as long as the program runs.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> std::io::Result<Self> {
        tempfile::tempdir().map(Self)
    }

    /// Returns the variables that lead there.
    fn variables(&self) -> [(&'static str, PathBuf); 3] {
        let home = self.0.path();
        [
            ("HOME", home.to_owned()),
            ("XDG_CONFIG_HOME", home.join("config")),
            // Where nothing is: in a folder GnuPG would begin a keyring and leave its agent behind.
            ("GNUPGHOME", home.join("keyring")),
        ]
    }
}
