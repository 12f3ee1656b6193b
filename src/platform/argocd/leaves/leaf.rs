//! A leaf, and what is known of all of them.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::object::ObjectRef;

/// How many leaves that are left to their parents are told.
const SHOWN: usize = 20;

/// An Application that a restore creates itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaf {
    /// Which.
    pub id: ObjectRef,
    /// The Application that brings it; none where it is an object of a root.
    pub parent: Option<ObjectRef>,
    /// What has to be ready before it is created.
    pub waits: Vec<Wait>,
    /// Behind how many others in a row it comes.
    pub rank: usize,
    /// As it is created: without the mark of its parent. The parent gives it with its sync, and takes the fields over; with a mark it could
    /// find all Synced and never sync, and would prune a leaf that the agent's own rendering of it lacks.
    pub object: Value,
}

/// That a leaf waits for another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// The other one, by its place in [`Leaves::ours`].
    pub on: usize,
    /// Why, as a fragment about the other one.
    pub why: Arc<str>,
}

/// An app that its parent creates, though it brings no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Which.
    pub id: ObjectRef,
    /// Why.
    pub why: String,
}

/// What becomes of the leaves of a platform.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Leaves {
    /// Those that a restore creates, each after all that it waits for; within a rank sorted.
    pub ours: Vec<Leaf>,
    /// Those that are left to their parents, sorted.
    pub left: Vec<Left>,
}

impl Leaves {
    /// Returns the order as people read it: a line a rank, then what is left to its parent.
    pub fn lines(&self) -> Vec<String> {
        let mut ranks: Vec<Vec<&str>> = Vec::new();
        for leaf in &self.ours {
            ranks.resize(ranks.len().max(leaf.rank + 1), Vec::new());
            ranks[leaf.rank].push(&leaf.id.name);
        }
        let in_turn = ranks.iter().enumerate();
        let mut lines: Vec<_> = in_turn
            .map(|(rank, names)| format!("{}. {}", rank + 1, names.join(", ")))
            .collect();
        lines.extend(self.left.iter().take(SHOWN).map(ToString::to_string));
        if self.left.len() > SHOWN {
            lines.push(format!(
                "and {} more are left to their parents",
                self.left.len() - SHOWN
            ));
        }
        lines
    }
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is left to its parent: {}", self.id.name, self.why)
    }
}
