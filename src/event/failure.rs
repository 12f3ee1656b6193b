//! Why something failed, as data.

use serde::{Deserialize, Serialize};

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

    /// Adds how to mend it.
    #[must_use = "the failure is returned, not changed in place"]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}
