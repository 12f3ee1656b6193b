//! What is said of a file that cannot be opened. Nothing of its values and no part of a secret key.

use super::document::Unread;
use super::format::Format;
use super::keys::Keys;
use super::metadata::Metadata;
use super::mixed::Mixed;
use super::program::{Failed, VAULTS};
use super::settings::{AgeKey, Settings};
use crate::exec;
use crate::secrets::{Error, ErrorKind};

/// One file of a store, for messages.
pub(super) struct Trouble<'store> {
    pub(super) settings: &'store Settings,
    /// Its path within the store.
    pub(super) path: &'store str,
}

impl Trouble<'_> {
    fn of(&self, kind: ErrorKind, what: &str) -> Error {
        Error::new(kind, format!("{} in store {} {what}", self.path, self.settings.name))
    }

    /// It is not what it should be.
    pub(super) fn unread(&self, unread: Unread, format: Format) -> Error {
        match unread {
            Unread::Plain => self
                .of(ErrorKind::Answer, "is not encrypted by SOPS")
                .because(format!("it is read as {}, by its name, and holds no `sops` part", format.name()))
                .hint(format!("encrypt it: `sops encrypt --in-place {}`", self.path))
                .hint("if it was ever pushed like this, what it holds is known to all readers: give out new secrets"),
            Unread::Broken(why) | Unread::Unsure(why) => self
                .of(ErrorKind::Answer, &format!("cannot be read as {}", format.name()))
                .because(why)
                .hint("the end of a file's name says how it is written: .yaml, .json, .env, .ini, or anything else for one value"),
        }
    }

    /// A version is asked for.
    pub(super) fn version(&self) -> Error {
        self.of(ErrorKind::Configuration, "is pinned to a version, and files have none")
            .hint("leave `version` out; a source can be pinned to a commit")
    }

    /// It was encrypted for age alone, and the store has no key.
    pub(super) fn no_key(&self, metadata: &Metadata) -> Error {
        self.of(ErrorKind::Denied, "is encrypted for age, and the store has no age key")
            .because(recipients(metadata))
            .hint(format!(
                "give the store {} a key: `age-key: {{env: SOPS_AGE_KEY}}`",
                self.settings.name
            ))
    }

    /// None of our keys opens it.
    pub(super) fn not_for_us(&self, metadata: &Metadata, keys: &Keys) -> Error {
        let public = keys.public();
        let error = self
            .of(ErrorKind::Denied, "is encrypted for others")
            .because(recipients(metadata))
            .because(match public.as_slice() {
                [] => "none of our keys can be used without the program".to_owned(),
                [only] => format!("our key, {}, is {only}", self.origin()),
                many => format!("our keys, {}, are {}", self.origin(), many.join(", ")),
            });
        let error = error.hint("give the key of one of those for whom it is encrypted");
        match public.first() {
            Some(first) => error.hint(format!(
                "or let one of them add ours: `sops rotate --in-place --add-age {first} {}`",
                self.path
            )),
            None => error,
        }
    }

    /// It was changed without its key.
    pub(super) fn tampered(&self, how: &str) -> Error {
        self.of(ErrorKind::Tampered, "was changed by other means than SOPS")
            .because(how)
            .hint(format!("look who changed it: `git log -p -- {}`", self.path))
            .hint("bring back the version before; change it by `sops edit` alone, also what is not encrypted in it")
    }

    /// The program is needed, and is not there.
    pub(super) fn no_program(&self, why: &str) -> Error {
        self.of(ErrorKind::Configuration, "can be decrypted by the program `sops` alone")
            .because(why)
            .because(format!(
                "there is no program `{}` on this machine",
                self.settings.program
            ))
            .hint(format!(
                "install sops 3.9 or newer, or name it as `program` of the store {}",
                self.settings.name
            ))
            .hint(format!(
                "what is encrypted for an age key needs no program: `sops rotate --in-place --add-age AGE1… {}`",
                self.path
            ))
    }

    /// The program has failed.
    pub(super) fn program(&self, failed: Failed, why: &str) -> Error {
        let error = match failed {
            Failed::Answer(Unread::Plain | Unread::Broken(_) | Unread::Unsure(_)) => {
                return self
                    .of(ErrorKind::Answer, "was decrypted to what is not understood")
                    .because(format!("`{}` was run, since {why}", self.settings.program))
                    .hint("see what it is: `sops decrypt --output-type json` prints it");
            }
            Failed::Itself(error) => error,
        };
        let (kind, what) = match &error {
            exec::Error::TooLong { .. } => (ErrorKind::TooLong, "was not decrypted in time"),
            exec::Error::Failed { said, .. } if TAMPERED.iter().any(|words| said.contains(words)) => {
                (ErrorKind::Tampered, "was changed by other means than SOPS")
            }
            exec::Error::Failed { status, .. } if status == NO_KEY => {
                (ErrorKind::Denied, "is opened by no key that we have")
            }
            _ => (ErrorKind::Answer, "was not decrypted"),
        };
        let failed = self
            .of(kind, what)
            .because(format!("`{}` was run, since {why}", self.settings.program))
            .because(told(&error));
        match kind {
            ErrorKind::Denied => {
                let failed = failed.hint(
                    "the program gets what the store names under `age-key`, `gnupg-home` and `env`, no other variable, and no home unless `env` names HOME",
                );
                let failed = if told(&error).contains(NO_VAULT) {
                    failed.hint(format!(
                        "which Vault it may ask is not for the file to say: name {VAULTS} under `env`, and let it hold the address"
                    ))
                } else {
                    failed
                };
                failed.hint(format!("try it by hand: `sops decrypt {}`", self.path))
            }
            ErrorKind::Tampered => failed.hint(
                "bring back the version before; change it by `sops edit` alone, also what is not encrypted in it",
            ),
            _ => failed.hint(format!("try it by hand: `sops decrypt {}`", self.path)),
        }
    }

    /// What is open in it cannot be told from what somebody else has put there.
    pub(super) fn mixed(&self, mixed: &Mixed) -> Error {
        const WHY: &str = "the MAC of SOPS counts texts without their keys: whoever can push can give an open text of the file any key, and add what is empty";
        let looked = format!("or look who changed it: `git log -p -- {}`", self.path);
        match mixed {
            Mixed::Instead { open, sealed } => self
                .of(
                    ErrorKind::Tampered,
                    &format!("holds {open}, which is not encrypted, in place of {sealed}, which is"),
                )
                .because(WHY)
                .hint("leave one of them out, by `sops edit`")
                .hint(looked),
            Mixed::Unknown => self
                .of(
                    ErrorKind::Configuration,
                    "holds aliases (`*name`) or tags (`!!name`) beside the values of a Secret",
                )
                .because("what of it is encrypted cannot be told by them")
                .hint("write them out, by `sops edit`")
                .hint(looked),
        }
    }

    /// Its values cannot be handed on.
    pub(super) fn values(&self, why: String) -> Error {
        self.of(ErrorKind::NotText, "was decrypted, and cannot be handed on")
            .because(why)
            .hint("correct it by `sops edit`")
    }

    fn origin(&self) -> String {
        self.settings.age_key.as_ref().map(origin).unwrap_or_default()
    }
}

/// What the program says of a file that was changed.
const TAMPERED: [&str; 4] = [
    "MAC mismatch",
    "Cannot decrypt MAC",
    "message authentication failed",
    "does not match sops' data format",
];
/// How the program ends that has no key for a file (`cmd/sops/codes/codes.go`).
const NO_KEY: &str = "exit status: 128";
/// What the program says where it may not ask the Vault that a file names.
const NO_VAULT: &str = "Allowlist does not allow";
/// What may be shown of what the program says, beside [`TAMPERED`] and [`NO_VAULT`]: the rest may quote the file, and that may
/// hold values in the open.
const KNOWN: [&str; 21] = [
    "Failed to get the data key required to decrypt the SOPS file",
    "no master key was able to decrypt the file",
    "sops metadata not found",
    "Error unmarshalling input",
    "Could not decrypt value",
    "no identity matched any of the recipients",
    "failed to load age identities",
    "No secret key",
    "no secret key",
    "No such file or directory",
    "permission denied",
    "missing client token",
    "AccessDeniedException",
    "ExpiredTokenException",
    "NotFoundException",
    "failed to refresh cached credentials",
    "could not find default credentials",
    "DefaultAzureCredential",
    "connection refused",
    "no such host",
    "context deadline exceeded",
];

/// Says why the program failed, without what it quotes of the file.
fn told(error: &exec::Error) -> String {
    let exec::Error::Failed { program, status, said } = error else {
        return error.to_string();
    };
    let known = TAMPERED.iter().chain([&NO_VAULT]).chain(&KNOWN);
    let known: Vec<&str> = known.copied().filter(|words| said.contains(words)).collect();
    let ended = format!("`{program}` ended with {status}");
    if known.is_empty() {
        format!("{ended}; what it says may quote the file, and is not shown")
    } else {
        format!("{ended}: {}", known.join("; "))
    }
}

/// Says where an age key comes from.
pub(super) fn origin(key: &AgeKey) -> String {
    match key {
        AgeKey::Given { variable, .. } => format!("of the variable {variable}"),
        AgeKey::File(path) => format!("of the file {}", path.display()),
        AgeKey::Store { store, path, .. } => format!("of {path} in store {}", store.name()),
    }
}

fn recipients(metadata: &Metadata) -> String {
    format!("it is encrypted for {}", metadata.recipients().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_program_quotes_of_a_file_is_not_shown() {
        let failed = |said: &str| exec::Error::Failed {
            program: "sops".into(),
            status: "exit status: 25".into(),
            said: said.into(),
        };
        for (said, words) in [
            (
                "Could not decrypt value: Input string hunter2 does not match sops' data format",
                "does not match sops' data format",
            ),
            (
                "Error unmarshalling input ini: key-value delimiter not found: hunter2",
                "Error unmarshalling input",
            ),
            ("strange: hunter2", "is not shown"),
            (
                "hunter2: no master key was able to decrypt the file.",
                "no master key was able to decrypt the file",
            ),
        ] {
            let told = told(&failed(said));
            assert!(told.contains(words) && told.contains("exit status: 25"), "{told}");
            assert!(!told.contains("hunter2"), "{told}");
        }
    }
}
