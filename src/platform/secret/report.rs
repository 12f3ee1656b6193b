//! What is found wrong with one secret.

use crate::finding::Finding;

/// Collects findings about one secret; every message starts with the secret's name.
pub(in super::super) struct Report<'name> {
    name: &'name str,
    /// The key that it is about, where one secret holds several.
    part: Option<&'name str>,
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
            part: None,
            findings: Vec::new(),
        }
    }

    /// Collects what is found of one key of a secret that holds several.
    pub(in super::super) fn part(name: &'name str, part: &'name str) -> Self {
        Self {
            part: Some(part),
            ..Self::new(name)
        }
    }

    /// Takes what another has found.
    pub(in super::super) fn take(&mut self, other: Self) {
        self.findings.extend(other.findings);
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
        match self.part {
            None => format!("secret `{}`: {message}", self.name),
            Some(part) => format!("secret `{}`, key `{part}`: {message}", self.name),
        }
    }

    fn push(&mut self, finding: Finding) -> &mut Draft {
        self.findings.push(Draft(Some(finding)));
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }
}
