//! From what a program prints to a secret.

use std::collections::BTreeMap;

use serde_json::Value;
use zeroize::Zeroizing;

use super::program::Program;
use super::settings::Output;
use crate::redact::Secret;
use crate::secrets::{Error, ErrorKind, Stored};

impl Program {
    /// Takes what the program printed.
    pub(super) fn printed(&self, path: &str, printed: Zeroizing<Vec<u8>>) -> Result<Stored, Error> {
        let mut printed = printed;
        match self.settings.output {
            Output::Json => self.keys(path, &printed),
            _ if printed.is_empty() => Err(self
                .wrong(
                    ErrorKind::MissingPath,
                    format!("`{}` prints nothing for {path}", self.program()),
                )
                .hint("a program that does not have a secret ends with another status than 0")),
            Output::Text => {
                let line_break = [&b"\r\n"[..], b"\n"].into_iter().find(|end| printed.ends_with(end));
                let length = printed.len() - line_break.map_or(0, <[u8]>::len);
                printed.truncate(length);
                Ok(Stored::whole(Secret::new(std::mem::take(&mut *printed))))
            }
            Output::Bytes => Ok(Stored::whole(Secret::new(std::mem::take(&mut *printed)))),
        }
    }

    fn keys(&self, path: &str, printed: &[u8]) -> Result<Stored, Error> {
        let printed: Value = serde_json::from_slice(printed).map_err(|error| {
            self.wrong(
                ErrorKind::Answer,
                format!("what `{}` prints for {path} is no JSON", self.program()),
            )
            .because(format!(
                "it ceases to be at line {}, column {}",
                error.line(),
                error.column()
            ))
            .hint("where it prints the value itself, say `output: text` in the store")
        })?;
        let fields = match printed {
            Value::String(text) => return Ok(Stored::whole(Secret::new(text))),
            Value::Object(fields) => fields,
            other => {
                return Err(self
                    .wrong(
                        ErrorKind::Answer,
                        format!("`{}` prints {} for {path}", self.program(), kind(&other)),
                    )
                    .hint("it prints a JSON object of texts, or one JSON text"));
            }
        };
        let mut data = BTreeMap::new();
        for (key, value) in fields {
            let Value::String(text) = value else {
                return Err(self
                    .wrong(
                        ErrorKind::NotText,
                        format!(
                            "{key} of {path}, as `{}` prints it, is {} and no text",
                            self.program(),
                            kind(&value)
                        ),
                    )
                    .hint("print it in quotes, so that every digit is kept"));
            };
            data.insert(key, Secret::new(text));
        }
        Ok(Stored {
            data,
            version: None,
            written: None,
        })
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a flag",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
