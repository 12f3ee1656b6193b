//! Why something failed, as data.

use serde::{Deserialize, Serialize};

/// Begins a cause that is a line of a program's output, which is no reason of ours.
pub const OUTPUT: &str = "| ";

/// Why something failed, flattened so that it can be written down.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Failure {
    /// What failed.
    pub message: String,
    /// Why, from the outermost cause to the innermost.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
    /// How to mend it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
}

impl Failure {
    /// Makes a failure without causes or hints.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            ..Self::default()
        }
    }

    /// Takes an error and the chain of its causes. Only for errors whose texts are our own or known to hold no secret.
    pub fn of(error: &(dyn std::error::Error + 'static)) -> Self {
        let causes = std::iter::successors(error.source(), |cause| cause.source())
            .map(ToString::to_string)
            .collect();
        Self {
            message: error.to_string(),
            causes,
            hints: Vec::new(),
        }
    }

    /// Puts a sentence in front: what was being done when this came to light.
    #[must_use = "the failure is returned, not changed in place"]
    pub fn within(self, doing: impl Into<String>) -> Self {
        let causes = std::iter::once(self.message).chain(self.causes).collect();
        Self {
            message: doing.into(),
            causes,
            hints: self.hints,
        }
    }

    /// Returns what failed and why in one line.
    pub fn words(&self) -> String {
        let words: Vec<&str> = std::iter::once(&self.message)
            .chain(&self.causes)
            .map(String::as_str)
            .collect();
        words.join(": ")
    }

    /// Adds how to mend it.
    #[must_use = "the failure is returned, not changed in place"]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

/// A failure of a room that talks to the outside: a [`Failure`] that also says of which kind it is, for callers that decide by
/// it. Its texts are our own, or went through the redactor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed<Kind> {
    kind: Kind,
    failure: Failure,
}

impl<Kind: Copy> Failed<Kind> {
    /// Makes one without causes or hints.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            failure: Failure::new(message),
        }
    }

    /// Adds a cause, further in than those already there.
    #[must_use = "the error is returned, not changed in place"]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.failure.causes.push(cause.into());
        self
    }

    /// Adds a way to mend it.
    #[must_use = "the error is returned, not changed in place"]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.failure = self.failure.hint(hint);
        self
    }

    /// Returns of which kind it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns why, from the outermost cause to the innermost.
    pub fn causes(&self) -> &[String] {
        &self.failure.causes
    }

    /// Returns how to mend it.
    pub fn hints(&self) -> &[String] {
        &self.failure.hints
    }
}

impl<Kind> std::fmt::Display for Failed<Kind> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.failure.message)
    }
}

impl<Kind: std::fmt::Debug> std::error::Error for Failed<Kind> {}

impl<Kind> From<Failed<Kind>> for Failure {
    fn from(failed: Failed<Kind>) -> Self {
        failed.failure
    }
}
