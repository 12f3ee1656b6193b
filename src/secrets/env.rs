//! Variables of the environment, such as a CI system fills them.

use std::os::unix::ffi::OsStringExt as _;

use async_trait::async_trait;

use super::store::unversioned;
use super::{Error, ErrorKind, Store, Stored};
use crate::redact::Secret;

/// The environment of this process as a [`Store`]: a path is the name of a variable, whose value has no keys.
///
/// A value is taken byte by byte as it is. Whoever fills the variable by `$(cat FILE)` loses the line break at its end.
#[derive(Debug)]
pub struct Variables {
    name: String,
    prefix: String,
}

impl Variables {
    /// Makes the store `name`. `prefix` stands before the name of every variable; empty for none.
    pub fn new(name: impl Into<String>, prefix: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            prefix: prefix.into(),
        }
    }

    /// Reads a variable, by the means that are given: a test has an environment of its own.
    fn found(&self, path: &str, environment: impl Fn(&str) -> Option<Vec<u8>>) -> Result<Stored, Error> {
        let variable = format!("{}{path}", self.prefix);
        if !is_variable(&variable) {
            return Err(Error::new(
                ErrorKind::Configuration,
                format!("store {}: {variable:?} is no name of a variable", self.name),
            )
            .hint("a name has letters, digits and `_`, and does not begin with a digit"));
        }
        let missing = |what: &str| {
            Error::new(
                ErrorKind::MissingPath,
                format!("store {}: the variable {variable} {what}", self.name),
            )
            .hint(format!("export {variable} and run again"))
        };
        match environment(&variable) {
            None => Err(missing("is not set")),
            // A CI system sets what it has no value for.
            Some(value) if value.is_empty() => Err(missing("is empty")),
            Some(value) => Ok(Stored::whole(Secret::new(value))),
        }
    }
}

#[async_trait]
impl Store for Variables {
    fn name(&self) -> &str {
        &self.name
    }

    /// The environment is always there.
    async fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    async fn read(&self, path: &str, version: Option<&str>) -> Result<Stored, Error> {
        unversioned(&self.name, "a variable", path, version)?;
        self.found(path, |name| Some(std::env::var_os(name)?.into_vec()))
    }
}

fn is_variable(name: &str) -> bool {
    let mut letters = name.chars();
    letters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::WHOLE;

    fn environment(name: &str) -> Option<Vec<u8>> {
        match name {
            "DR_REPO" => Some(b"hunter2\xff\r\n".to_vec()),
            "DR_EMPTY" => Some(Vec::new()),
            _ => None,
        }
    }

    #[test]
    fn a_variable_is_read_byte_by_byte_behind_its_prefix() {
        let store = Variables::new("env", "DR_");
        let stored = store.found("REPO", environment).unwrap();
        assert_eq!(stored.data[WHOLE].expose(), b"hunter2\xff\r\n");
    }

    #[test]
    fn what_is_not_set_is_empty_or_has_no_name_is_said() {
        let store = Variables::new("env", "DR_");
        for (path, kind, words) in [
            ("OTHER", ErrorKind::MissingPath, "the variable DR_OTHER is not set"),
            ("EMPTY", ErrorKind::MissingPath, "the variable DR_EMPTY is empty"),
            ("A=B", ErrorKind::Configuration, "is no name of a variable"),
        ] {
            let error = store.found(path, environment).unwrap_err();
            assert_eq!(error.kind(), kind, "{path}");
            assert!(error.to_string().contains(words), "{error}");
            assert!(!error.hints().is_empty(), "{path}");
        }
    }

    #[tokio::test]
    async fn a_variable_has_no_versions() {
        let error = Variables::new("env", "").read("PATH", Some("1")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
    }
}
