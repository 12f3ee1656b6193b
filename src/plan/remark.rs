//! What is known to be wrong, or not known, as the plan says it of a thing.

use std::fmt;

use serde::Serialize;

use super::manual;
use crate::object::ObjectRef;

/// One thing that is wrong or not known. As text it begins with `!` or `?`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// Whether it is certain; otherwise nobody knows it beforehand.
    pub certain: bool,
    /// What it is.
    pub words: String,
    /// More of it, a line each: the links of a circle.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
}

impl Remark {
    /// Says what is certain.
    pub fn certain(words: impl Into<String>) -> Self {
        Self {
            certain: true,
            words: words.into(),
            lines: Vec::new(),
        }
    }

    /// Says what is not known.
    pub fn open(words: impl Into<String>) -> Self {
        Self {
            certain: false,
            ..Self::certain(words)
        }
    }

    /// Says of an app that nobody knows what it brings.
    pub fn unknown(app: &ObjectRef, reasons: &[String]) -> Self {
        let more = match reasons.len() {
            0 | 1 => String::new(),
            2 => ", and 1 more reason".to_owned(),
            count => format!(", and {} more reasons", count - 1),
        };
        let why = reasons.first().map(String::as_str).unwrap_or_default();
        Self::open(format!("{app} is not known beforehand: {why}{more}"))
    }

    /// Says of an app that nothing syncs it.
    pub fn manual(app: &ObjectRef) -> Self {
        Self::certain(manual::words(app))
    }
}

/// Without an end of line; the lines below are indented by three more.
impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", if self.certain { '!' } else { '?' }, self.words)?;
        for line in &self.lines {
            write!(f, "\n     {line}")?;
        }
        Ok(())
    }
}
