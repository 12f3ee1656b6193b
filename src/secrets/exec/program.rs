//! The store itself.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;

use async_trait::async_trait;
use serde_json::json;
use zeroize::Zeroizing;

use super::settings::{Output, Settings};
use crate::exec::{Error as Ended, Exec};
use crate::redact::Redactor;
use crate::secrets::{Error, ErrorKind, Store, Stored};

/// How much a program may print, in bytes: four times what a Secret can hold, since JSON may escape it.
const MOST: usize = 4 << 20;

/// A program as a [`Store`]. It is run once a secret.
///
/// The path is its last argument, and it has both path and version as JSON on standard input: `{"path": "dr/repo", "version":
/// null}`. What it prints is the secret; what it says on standard error is quoted where it fails, redacted.
pub struct Program {
    pub(super) settings: Settings,
    redactor: Redactor,
}

impl Program {
    /// Makes the store. What the program says is masked by `redactor`.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] where no program is named.
    pub fn new(settings: Settings, redactor: &Redactor) -> Result<Self, Error> {
        if settings.command.first().is_none_or(String::is_empty) {
            let what = format!("store {}: its command names no program", settings.name);
            return Err(Error::new(ErrorKind::Configuration, what).hint("write it as `command: [PROGRAM, ARGUMENT]`"));
        }
        Ok(Self {
            settings,
            redactor: redactor.clone(),
        })
    }

    pub(super) fn program(&self) -> &str {
        self.settings.command.first().map_or("", String::as_str)
    }

    pub(super) fn wrong(&self, kind: ErrorKind, what: impl std::fmt::Display) -> Error {
        Error::new(kind, format!("store {}: {what}", self.settings.name))
    }

    /// Refuses what would be taken for something else.
    fn proper(&self, path: &str, version: Option<&str>) -> Result<(), Error> {
        if path.starts_with('-') {
            return Err(self
                .wrong(
                    ErrorKind::Configuration,
                    format!(
                        "{path} begins with a dash: {} would take it for an option",
                        self.program()
                    ),
                )
                .hint("write an option into `command`"));
        }
        if version.is_some() && self.settings.output != Output::Json {
            return Err(self
                .wrong(
                    ErrorKind::Configuration,
                    format!("{path} is pinned to a version, which a program that prints plain text does not look for"),
                )
                .hint("leave `version` out, or name a program that reads it on standard input and prints JSON"));
        }
        Ok(())
    }

    fn exec(&self, path: &str, version: Option<&str>) -> Exec {
        let wanted = json!({"path": path, "version": version}).to_string();
        let exec = Exec::new(self.program(), &self.redactor)
            .args(self.settings.command.iter().skip(1))
            .args([path])
            .stdin(wanted)
            .limit(self.settings.limit)
            .output(MOST);
        let env = self.settings.env.iter();
        env.fold(exec, |exec, (name, value)| {
            exec.env(name, OsString::from_vec(value.expose().to_vec()))
        })
    }

    fn failed(&self, path: &str, ended: &Ended) -> Error {
        let given = format!("gives nothing for {path}");
        match ended {
            Ended::Start { source, .. } => self
                .wrong(
                    ErrorKind::Configuration,
                    format!("`{}` could not be started", self.program()),
                )
                .because(source.to_string())
                .hint("see that it is there and may be run"),
            Ended::Failed { program, status, said } => {
                let error = self.wrong(ErrorKind::Answer, format!("`{program}` {given}"));
                said.lines()
                    .fold(error.because(format!("it ended with {status}")), |error, line| {
                        error.because(line)
                    })
                    .hint(format!(
                        "run `{} {path}` by hand: a login may have ended",
                        self.settings.command.join(" ")
                    ))
            }
            Ended::TooLong { .. } => self
                .wrong(ErrorKind::TooLong, format!("`{}` {given}", self.program()))
                .because(ended.to_string())
                .hint("does it wait for somebody to type? Nobody does: give it its credential by `env`")
                .hint("if it needs longer, raise the store's `timeout`"),
            other => self
                .wrong(ErrorKind::Answer, format!("`{}` {given}", self.program()))
                .because(other.to_string())
                .hint("what it prints is the secret and nothing else"),
        }
    }
}

#[async_trait]
impl Store for Program {
    fn name(&self) -> &str {
        &self.settings.name
    }

    /// Only that the program is there: whether it is let in, it knows when it is asked.
    async fn check(&self) -> Result<(), Error> {
        let program = self.program();
        let is_there = if program.contains('/') {
            Path::new(program).is_file()
        } else {
            Exec::is_on_path(program)
        };
        if is_there {
            return Ok(());
        }
        Err(self
            .wrong(ErrorKind::Configuration, format!("there is no program `{program}`"))
            .hint("install it on the machine that restores, or name its whole path in `command`"))
    }

    async fn read(&self, path: &str, version: Option<&str>) -> Result<Stored, Error> {
        self.proper(path, version)?;
        let printed = self.exec(path, version).run().await;
        let printed = Zeroizing::new(printed.map_err(|ended| self.failed(path, &ended))?);
        self.printed(path, printed)
    }
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program")
            .field("name", &self.settings.name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::redact::{MASK, Secret};
    use crate::secrets::WHOLE;

    fn shell(script: &str, output: Output) -> Program {
        let settings = Settings {
            name: "safe".into(),
            command: ["sh", "-c", script, "sh"].map(str::to_owned).to_vec(),
            env: vec![("SAFE_TOKEN".into(), Secret::from("hunter2hunter2"))],
            limit: Duration::from_secs(20),
            output,
        };
        let redactor = Redactor::default();
        redactor.learn(&Secret::from("hunter2hunter2"));
        Program::new(settings, &redactor).unwrap()
    }

    async fn read(script: &str, output: Output) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let stored = shell(script, output).read("dr/repo", None).await?;
        let data = stored.data.into_iter();
        Ok(data.map(|(key, value)| (key, value.expose().to_vec())).collect())
    }

    #[tokio::test]
    async fn an_object_gives_its_keys_and_a_text_has_none() {
        let whole = |value: &[u8]| vec![(WHOLE.to_owned(), value.to_vec())];
        for (script, output, expected) in [
            (
                r#"printf '{"b":"x\\r\\n","a":""}'"#,
                Output::Json,
                vec![("a".to_owned(), vec![]), ("b".to_owned(), b"x\r\n".to_vec())],
            ),
            (r#"echo '"one"'"#, Output::Json, whole(b"one")),
            ("printf 'one\\n\\n'", Output::Text, whole(b"one\n")),
            ("printf 'one\\r\\n'", Output::Text, whole(b"one")),
            ("printf 'one'", Output::Text, whole(b"one")),
            ("printf '\\377one\\r\\n'", Output::Bytes, whole(b"\xffone\r\n")),
        ] {
            assert_eq!(read(script, output).await.unwrap(), expected, "{script}");
        }
    }

    #[tokio::test]
    async fn it_is_told_path_and_version_and_given_what_it_logs_in_with() {
        let script = r#"cat > /dev/null; printf '"%s %s"' "$1" "$SAFE_TOKEN""#;
        assert_eq!(
            read(script, Output::Json).await.unwrap(),
            [(WHOLE.to_owned(), b"dr/repo hunter2hunter2".to_vec())]
        );
        let stored = shell("cat", Output::Json).read("dr/repo", Some("7")).await.unwrap();
        let read: Vec<_> = stored
            .data
            .iter()
            .map(|(key, value)| (key.as_str(), value.expose()))
            .collect();
        assert_eq!(read, [("path", &b"dr/repo"[..]), ("version", b"7")]);
    }

    #[tokio::test]
    async fn what_it_says_when_it_fails_is_quoted_and_masked() {
        let error = read("echo no login with hunter2hunter2 >&2; exit 3", Output::Json)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Answer);
        assert_eq!(error.to_string(), "store safe: `sh` gives nothing for dr/repo");
        assert_eq!(
            error.causes(),
            ["it ended with exit status: 3", &format!("no login with {MASK}")]
        );
        assert!(!error.hints().is_empty());
    }

    #[tokio::test]
    async fn what_is_no_secret_is_refused_without_being_quoted() {
        for (script, output, kind, words) in [
            (
                "echo canary",
                Output::Json,
                ErrorKind::Answer,
                "prints for dr/repo is no JSON",
            ),
            (
                r#"echo '["canary"]'"#,
                Output::Json,
                ErrorKind::Answer,
                "prints a list for dr/repo",
            ),
            (
                r#"echo '{"port": 1}'"#,
                Output::Json,
                ErrorKind::NotText,
                "port of dr/repo, as `sh` prints it, is a number",
            ),
            (
                r#"echo '{"port": null}'"#,
                Output::Json,
                ErrorKind::NotText,
                "is null and no text",
            ),
            (
                "true",
                Output::Text,
                ErrorKind::MissingPath,
                "prints nothing for dr/repo",
            ),
            ("true", Output::Json, ErrorKind::Answer, "is no JSON"),
            (
                "yes canary",
                Output::Text,
                ErrorKind::Answer,
                "gives nothing for dr/repo",
            ),
        ] {
            let error = read(script, output).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{script}: {error}");
            assert!(error.to_string().contains(words), "{script}: {error}");
            assert!(!format!("{error:?}").contains("canary"), "{error:?}");
            assert!(!error.hints().is_empty(), "{script}");
        }
    }

    #[tokio::test]
    async fn a_program_that_waits_for_somebody_is_ended() {
        let mut program = shell("exec sleep 60", Output::Json);
        program.settings.limit = Duration::from_millis(50);
        let error = program.read("dr/repo", None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLong);
        assert!(error.hints()[0].contains("wait for somebody to type"), "{error:?}");
    }

    #[test]
    fn neither_its_settings_nor_a_run_of_it_print_what_it_logs_in_with() {
        let program = shell("cat", Output::Json);
        let printed = format!("{:?} {:?}", program.settings, program.exec("dr/repo", None));
        assert!(
            printed.contains("SAFE_TOKEN") && !printed.contains("hunter2"),
            "{printed}"
        );
    }

    #[tokio::test]
    async fn what_would_be_taken_for_something_else_is_refused_before_it_runs() {
        let error = shell("echo", Output::Text).read("--help", None).await.unwrap_err();
        assert!(error.to_string().contains("begins with a dash"), "{error}");
        let error = shell("echo", Output::Text)
            .read("dr/repo", Some("1"))
            .await
            .unwrap_err();
        assert!(error.to_string().contains("pinned to a version"), "{error}");
        for command in [vec![], vec![String::new()]] {
            let settings = Settings {
                command,
                ..shell("", Output::Json).settings
            };
            assert!(Program::new(settings, &Redactor::default()).is_err());
        }
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_known_by_the_check() {
        for (program, is_there) in [
            ("sh", true),
            ("/bin/sh", true),
            ("no-such-program", false),
            ("/no/such", false),
        ] {
            let mut store = shell("", Output::Json);
            store.settings.command[0] = program.to_owned();
            assert_eq!(store.check().await.is_ok(), is_there, "{program}");
            if !is_there {
                let error = store.read("dr/repo", None).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Configuration);
            }
        }
    }
}
