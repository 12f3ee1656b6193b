//! The check as a whole: which checks there are, in which order, and what becomes of their findings.

use std::collections::BTreeSet;

use super::super::shape::Name;
use super::super::table::RUNBOOK;
use super::super::tree::{Node, Span};
use super::literal::Hidden;
use super::names::Names;
use crate::finding::Finding;

/// Checks a whole runbook.
pub(in super::super) fn check(file: &str, root: &Node) -> Vec<Finding> {
    let mut check = Check {
        file,
        root,
        names: Names::of(root),
        used: BTreeSet::new(),
        missed: BTreeSet::new(),
        hidden: Hidden::default(),
        findings: Vec::new(),
    };
    check.literal();
    check.record(root, &RUNBOOK, None);
    check.order();
    check.secrets();
    check.stores();
    check.capture();
    check.policy();
    check.unused();
    check.finish()
}

/// A check under way.
pub(super) struct Check<'tree> {
    pub(super) file: &'tree str,
    pub(super) root: &'tree Node,
    pub(super) names: Names,
    /// What was referred to.
    pub(super) used: BTreeSet<(Name, String)>,
    /// Of what a name was used that is not known: one that is known and not used was perhaps meant.
    pub(super) missed: BTreeSet<Name>,
    pub(super) hidden: Hidden,
    pub(super) findings: Vec<Finding>,
}

impl Check<'_> {
    /// Adds an error.
    pub(super) fn error(
        &mut self,
        rule: &'static str,
        span: Span,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) {
        self.add(Finding::error(rule, message), span, help.into());
    }

    /// Adds a warning.
    pub(super) fn warning(
        &mut self,
        rule: &'static str,
        span: Span,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) {
        self.add(Finding::warning(rule, message), span, help.into());
    }

    fn add(&mut self, finding: Finding, span: Span, help: Option<String>) {
        let mut finding = finding.at(span.place(self.file));
        finding.help = help;
        self.findings.push(finding);
    }

    /// Returns the findings in the order of the file, without a frame where a line holds a secret.
    fn finish(mut self) -> Vec<Finding> {
        self.findings.sort_by_key(|finding| {
            finding
                .place
                .as_ref()
                .map_or((0, 0), |place| (place.line, place.column))
        });
        for finding in &mut self.findings {
            if let Some(place) = &finding.place
                && self.hidden.on_line(place.line)
            {
                finding.framed = false;
            }
        }
        self.findings
    }
}
