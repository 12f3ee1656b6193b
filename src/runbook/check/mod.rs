//! All that is wrong with a runbook, found in one go.
//!
//! The structure is walked against the table; what the table cannot say has a file each. Every check copes with a tree
//! of which parts are broken: what another check has reported is silently passed over.

mod format;
mod literal;
mod names;
mod order;
mod policy;
mod record;
mod secrets;
mod structure;
mod suggest;

use std::collections::BTreeSet;

use self::literal::Hidden;
use self::names::Names;
use super::shape::Name;
use super::table::RUNBOOK;
use super::tree::{Node, Span};
use crate::finding::Finding;

pub(super) use self::format::{duration, is_commit};
pub(super) use self::literal::{holds_secret, may_hold_secret};
pub(super) use self::names::store_name;

/// Checks a whole runbook.
pub(super) fn check(file: &str, root: &Node) -> Vec<Finding> {
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
    check.policy();
    check.unused();
    check.finish()
}

/// A check under way.
struct Check<'tree> {
    file: &'tree str,
    root: &'tree Node,
    names: Names,
    /// What was referred to.
    used: BTreeSet<(Name, String)>,
    /// Of what a name was used that is not known: one that is known and not used was perhaps meant.
    missed: BTreeSet<Name>,
    hidden: Hidden,
    findings: Vec<Finding>,
}

impl Check<'_> {
    /// Adds an error.
    fn error(&mut self, rule: &'static str, span: Span, message: impl Into<String>, help: impl Into<Option<String>>) {
        self.add(Finding::error(rule, message), span, help.into());
    }

    /// Adds a warning.
    fn warning(&mut self, rule: &'static str, span: Span, message: impl Into<String>, help: impl Into<Option<String>>) {
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
