//! What is encrypted by PGP is decrypted by the program, with the keyring that the runbook names.

use std::process::Command;

use gitops_dr::secrets::{ErrorKind, Store as _, WHOLE};
use testbed::Programs;

use super::drawer::{CANARY, Drawer, ran, says, shown};

/// A keyring of its own, whose agent ends with it.
struct Keyring(tempfile::TempDir);

impl Keyring {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn gpg(&self, arguments: &[&str]) -> String {
        let mut command = self.command("gpg");
        command.args(["--batch", "--no-tty"]).args(arguments);
        String::from_utf8(ran(command).unwrap()).unwrap()
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(Programs::on_path(program).unwrap());
        command.env("GNUPGHOME", self.0.path());
        command
    }

    /// Makes a key and returns its fingerprint.
    fn key(&self) -> String {
        self.gpg(&[
            "--passphrase",
            "",
            "--quick-generate-key",
            "dr@example.com",
            "default",
            "default",
            "never",
        ]);
        let listed = self.gpg(&["--with-colons", "--list-keys"]);
        let line = listed.lines().find(|line| line.starts_with("fpr:")).unwrap();
        line.split(':').nth(9).unwrap().to_owned()
    }
}

impl Drop for Keyring {
    fn drop(&mut self) {
        self.command("gpgconf").args(["--kill", "all"]).status().ok();
    }
}

#[tokio::test]
async fn a_file_for_pgp_is_opened_by_the_program_with_the_keyring_that_is_named() {
    let (drawer, keyring) = (Drawer::new(), Keyring::new());
    let fingerprint = keyring.key();
    let encrypt = |name: &str, text: &[u8]| {
        std::fs::write(drawer.path(name), text).unwrap();
        let mut command = drawer.program();
        command
            .env("GNUPGHOME", keyring.0.path())
            .args(["encrypt", "--in-place", "--pgp", &fingerprint])
            .arg(drawer.path(name));
        ran(command).unwrap();
    };
    encrypt("a.yaml", format!("password: {CANARY}\nport: 5432\n").as_bytes());
    encrypt("blob", &[0, 255, 13, 10]);

    let without = drawer.alone().read("a.yaml", None).await.unwrap_err();
    assert_eq!(without.kind(), ErrorKind::Configuration);
    says(
        &drawer,
        &without,
        &[
            "can be decrypted by the program `sops` alone",
            "it is encrypted for PGP",
            "or name it as `program`",
        ],
    );

    let program = Programs::find().unwrap().built("sops").unwrap().display().to_string();
    let home = keyring.0.path().to_owned();
    let store = drawer.store(|settings| {
        settings.program.clone_from(&program);
        settings.gnupg_home = Some(home.clone());
    });
    let values = shown(&store.read("a.yaml", None).await.unwrap().data);
    assert_eq!((values["password"].as_str(), values["port"].as_str()), (CANARY, "5432"));
    let blob = store.read("blob", None).await.unwrap();
    assert_eq!(blob.data[WHOLE].expose(), [0, 255, 13, 10]);
    assert_eq!(
        store.look("a.yaml", None).await.unwrap().keys.unwrap(),
        ["password", "port"]
    );

    // A keyring without the key.
    let empty = Keyring::new();
    let store = drawer.store(|settings| {
        settings.program = program.clone();
        settings.gnupg_home = Some(empty.0.path().to_owned());
    });
    let error = store.read("a.yaml", None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    says(
        &drawer,
        &error,
        &["is opened by no key that we have", "`gnupg-home` and `env`"],
    );

    // What the program refuses is refused.
    let text = drawer.text("a.yaml").replace("password:", "passwort:");
    std::fs::write(drawer.path("a.yaml"), text).unwrap();
    let store = drawer.store(|settings| {
        settings.program = program;
        settings.gnupg_home = Some(home);
    });
    let error = store.read("a.yaml", None).await.unwrap_err();
    says(
        &drawer,
        &error,
        &["message authentication failed", "bring back the version before"],
    );
    assert_eq!(error.kind(), ErrorKind::Tampered, "{error} {:?}", error.causes());
}
