//! What a person says beforehand.

use std::collections::BTreeMap;

/// What a person says beforehand, by flags, to what a run would otherwise be refused for or would ask. The words are journaled.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    /// How the cluster that is replaced was fenced.
    pub fenced: Option<String>,
    /// Why a cluster that is not empty is taken over as it is.
    pub adopt: Option<String>,
    /// Why a run goes on with another plan than it was begun with.
    pub plan_change: Option<String>,
    /// What is approved, by the step's id, each with a comment.
    pub approve: BTreeMap<String, String>,
    /// Whether the runbook's own `approve` steps are approved. It answers no interlock and no surviving cluster.
    pub yes: bool,
    /// The steps that were done although no result is journaled, each with how that is known.
    pub was_done: BTreeMap<String, String>,
    /// The steps that are to be done again although they must not be done twice, each with the reason.
    pub do_again: BTreeMap<String, String>,
    /// The steps that take over the fields which others own, each with the reason.
    pub force: BTreeMap<String, String>,
}

impl Answers {
    /// Returns the comment with which a step of the runbook is approved.
    pub fn approves(&self, id: &str) -> Option<&str> {
        of(&self.approve, id)
    }

    /// Returns how it is known that a step was done.
    pub fn says_done(&self, id: &str) -> Option<&str> {
        of(&self.was_done, id)
    }

    /// Returns why a step is to be done again.
    pub fn wants_again(&self, id: &str) -> Option<&str> {
        of(&self.do_again, id)
    }

    /// Returns why a step takes over the fields that others own. A root goes by its name, too.
    pub fn forces(&self, id: &str) -> Option<&str> {
        let root = |id| bare(id).strip_prefix("root/").unwrap_or(bare(id));
        let mut given = self.force.iter();
        given
            .find(|(name, _)| root(name) == root(id))
            .map(|(_, words)| words.as_str())
    }
}

/// A step goes by its name in the runbook and by the one in the plan, which screens show: `data` and `step/data`.
fn of<'words>(given: &'words BTreeMap<String, String>, id: &str) -> Option<&'words str> {
    let id = bare(id);
    given
        .iter()
        .find(|(name, _)| bare(name) == id)
        .map(|(_, words)| words.as_str())
}

/// Returns the name that the runbook gives a step.
pub fn bare(id: &str) -> &str {
    id.strip_prefix("step/").unwrap_or(id)
}
