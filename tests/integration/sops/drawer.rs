//! A folder of files that the program has encrypted.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use gitops_dr::redact::{Redactor, Secret};
use gitops_dr::secrets::sops::{AgeKey, Place, Settings, Sops};
use gitops_dr::secrets::{Error, Store as _};
use serde_json::Value;
use tempfile::TempDir;
use testbed::Programs;

/// A value that no other text holds by chance.
pub(super) const CANARY: &str = "c4n4ry/in+a=file";

/// An age key.
pub(super) struct Key {
    pub(super) secret: String,
    pub(super) public: String,
}

impl Key {
    pub(super) fn new() -> Self {
        use age::secrecy::ExposeSecret as _;
        let identity = age::x25519::Identity::generate();
        Self {
            secret: identity.to_string().expose_secret().to_owned(),
            public: identity.to_public().to_string(),
        }
    }
}

/// A folder, and the key that opens what is in it.
pub(super) struct Drawer {
    pub(super) folder: TempDir,
    pub(super) key: Key,
    pub(super) redactor: Redactor,
}

impl Drawer {
    pub(super) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            key: Key::new(),
            redactor: Redactor::default(),
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Writes a file and lets the program encrypt it for our key.
    pub(super) fn encrypt(&self, name: &str, text: impl AsRef<[u8]>, arguments: &[&str]) -> Result<(), String> {
        let age = ["--age", self.key.public.as_str()];
        self.encrypt_for(name, text, &[&age, arguments].concat())
    }

    /// The same, for whom the arguments say.
    pub(super) fn encrypt_for(&self, name: &str, text: impl AsRef<[u8]>, arguments: &[&str]) -> Result<(), String> {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
        let mut command = self.program();
        command
            .args(["encrypt", "--in-place"])
            .args(arguments)
            .arg(self.path(name));
        ran(command).map(|_| ())
    }

    /// Returns what the program decrypts a file to.
    pub(super) fn by_program(&self, name: &str) -> Result<Vec<u8>, String> {
        let mut command = self.program();
        let output = if name.contains('.') { "json" } else { "binary" };
        command.args(["decrypt", "--output-type", output]).arg(self.path(name));
        ran(command)
    }

    pub(super) fn program(&self) -> Command {
        let mut command = Command::new(Programs::find().unwrap().built("sops").unwrap());
        command
            .env_clear()
            .env("HOME", self.folder.path())
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("SOPS_AGE_KEY", &self.key.secret)
            .current_dir(self.folder.path());
        command
    }

    /// Returns the store, which has no program to ask.
    pub(super) fn alone(&self) -> Sops {
        self.store(|_| {})
    }

    /// Returns the store with other settings.
    pub(super) fn store(&self, change: impl FnOnce(&mut Settings)) -> Sops {
        let mut settings = Settings {
            name: "sops".into(),
            place: Place::Folder(self.folder.path().to_owned()),
            path: String::new(),
            age_key: Some(AgeKey::Given {
                key: Secret::from(self.key.secret.as_str()),
                variable: "SOPS_AGE_KEY".into(),
            }),
            program: "/nowhere/sops".into(),
            gnupg_home: None,
            environment: Vec::new(),
        };
        change(&mut settings);
        Sops::new(settings, &self.redactor)
    }

    /// Reads a file without the program.
    pub(super) async fn read(&self, name: &str) -> Result<BTreeMap<String, String>, Error> {
        let stored = self.alone().read(name, None).await?;
        Ok(shown(&stored.data))
    }
}

/// Returns values as text.
pub(super) fn shown(data: &BTreeMap<String, Secret>) -> BTreeMap<String, String> {
    let shown = data.iter().map(|(key, value)| {
        let text = value.expose_str().unwrap_or("not text").to_owned();
        (key.clone(), text)
    });
    shown.collect()
}

/// Runs a program to its end.
pub(super) fn ran(mut command: Command) -> Result<Vec<u8>, String> {
    let output = command.output().unwrap();
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// Returns what a secret is made of by what the program prints, in JSON.
pub(super) fn expected(json: &[u8]) -> BTreeMap<String, String> {
    let Value::Object(object) = serde_json::from_slice(json).unwrap() else {
        panic!("the program prints objects")
    };
    let text = |value: Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(written(&other)),
    };
    object
        .into_iter()
        .filter_map(|(key, value)| Some((key, text(value)?)))
        .collect()
}

/// Writes a value as compact JSON, numbers without an exponent.
fn written(value: &Value) -> String {
    match value {
        Value::Number(number) if number.as_i64().is_none() => number.as_f64().unwrap().to_string(),
        Value::Array(items) => format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(",")),
        Value::Object(entries) => {
            let entries = entries
                .iter()
                .map(|(key, value)| format!("{}:{}", Value::from(key.as_str()), written(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

/// Checks what an error says, and that it quotes no value and no key.
pub(super) fn says(drawer: &Drawer, error: &Error, words: &[&str]) {
    let all = format!("{error}\n{}\n{}", error.causes().join("\n"), error.hints().join("\n"));
    for word in words {
        assert!(all.contains(word), "“{word}” is not said:\n{all}");
    }
    assert!(!all.contains("c4n4ry"), "{all}");
    assert!(!all.contains(&drawer.key.secret), "{all}");
}
