//! What is found wrong with one secret.

use crate::finding::Finding;

/// Collects findings about one secret; every message starts with the secret's name.
pub(in super::super) struct Report<'name> {
    name: &'name str,
    findings: Vec<Draft>,
}

/// A finding that may still be given help.
pub(in super::super) struct Draft(Option<Finding>);

impl Draft {
    /// Says how to mend it.
    pub(in super::super) fn help(&mut self, help: impl Into<String>) {
        self.0 = self.0.take().map(|finding| finding.help(help));
    }
}

impl<'name> Report<'name> {
    pub(in super::super) fn new(name: &'name str) -> Self {
        Self {
            name,
            findings: Vec::new(),
        }
    }

    /// Adds an error.
    pub(in super::super) fn error(&mut self, rule: &'static str, message: impl AsRef<str>) -> &mut Draft {
        self.push(Finding::error(rule, self.about(message.as_ref())))
    }

    /// Adds a warning.
    pub(in super::super) fn warning(&mut self, rule: &'static str, message: impl AsRef<str>) -> &mut Draft {
        self.push(Finding::warning(rule, self.about(message.as_ref())))
    }

    pub(in super::super) fn into_findings(self) -> Vec<Finding> {
        self.findings.into_iter().filter_map(|draft| draft.0).collect()
    }

    fn about(&self, message: &str) -> String {
        format!("secret `{}`: {message}", self.name)
    }

    fn push(&mut self, finding: Finding) -> &mut Draft {
        self.findings.push(Draft(Some(finding)));
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }
}
