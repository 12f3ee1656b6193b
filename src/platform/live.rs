//! What is known of one live object that an agent looks after: the little that is kept of it.

use jiff::Timestamp;

use crate::event::Blocker;
use crate::health::{Health, Status};

/// What was last seen of a live object. The object itself is not kept: there may be tens of thousands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Live {
    /// Its UID: another object of the same name is another object.
    pub uid: String,
    /// How well it is; `None` where its kind has no check.
    pub health: Option<Health>,
    /// Why it is not well, the deepest cause first: a container that cannot be started, a claim without a volume.
    pub why: Vec<Blocker>,
    /// Until when what is wrong is no more than a warning: an image that cannot be pulled now may be pulled a minute later.
    pub warning_until: Option<Timestamp>,
}

impl Live {
    /// Whether it has a check, and is not well by it.
    pub fn is_unwell(&self) -> bool {
        self.health
            .as_ref()
            .is_some_and(|health| health.status != Status::Healthy)
    }
}

/// What is known of the objects of one kind on the agent's own cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// They are watched, and were listed at least once: one that is not among what is known is not there.
    Watched,
    /// They have no health, so nobody looks at them.
    Unchecked,
}
