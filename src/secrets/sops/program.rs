//! The program `sops`, for what is not decrypted here.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;
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
    pub(super) async fn decrypt(&self, file: &Path, format: Format) -> Result<Value, Failed> {
        // In JSON no byte may be what it is.
        let output = if format == Format::Binary { "binary" } else { "json" };
        let mut exec = Exec::new(self.settings.program.as_str(), self.redactor)
            .args(["decrypt", "--input-type", format.name(), "--output-type", output])
            .args([file])
            // Where no other people's settings lie.
            .directory(Path::new("/"))
            .limit(LIMIT)
            .output(OUTPUT);
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
        let text = std::str::from_utf8(&written).map_err(|_| Failed::Answer(Unread::Broken("it is no text".into())))?;
        json::read(text).map_err(Failed::Answer)
    }
}
