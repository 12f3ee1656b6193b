//! One reason why an object is not well.

use jiff::{SignedDuration, Timestamp};

use crate::event::one_line;

/// For how long an image that cannot be pulled is no more than a warning: registries fail and come back, and a pull secret or a
/// mirror may come with a later app.
pub(super) const IMAGE_PATIENCE: SignedDuration = SignedDuration::from_mins(5);

/// How deep a cause lies; the deepest comes first, for it is what a person can mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Depth {
    /// What a container, or the refusal of a volume or a pod says of itself.
    Container,
    /// A claim without a volume.
    Claim,
    /// A pod for which there is no node.
    Scheduling,
    /// A pod that may not be made: a quota, a webhook.
    Creation,
    /// What the object says of itself.
    Own,
    /// What is only said in passing, and may be over.
    Passing,
}

/// One reason why an object is not well, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// How deep it lies.
    pub depth: Depth,
    /// What is wrong, on one line.
    pub reason: String,
    /// Until when it is no more than a warning.
    pub warning_until: Option<Timestamp>,
    /// Of a container that ended: whose last words would say why.
    pub question: Option<Question>,
    /// The image that cannot be pulled, where only an event says why.
    pub(super) image: Option<String>,
}

/// One end of a container: the next one has other last words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct End {
    /// The UID of the pod.
    pub uid: String,
    /// The container.
    pub container: String,
    /// By what the end is told from others: the id of the container that ended, or the time, or else how often it was started.
    pub by: String,
}

/// Asks for the last line of a container's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The end that it is about.
    pub end: End,
    /// The namespace of the pod.
    pub namespace: String,
    /// Its name.
    pub pod: String,
    /// Whether the container was started again since.
    pub previous: bool,
}

impl Cause {
    pub(super) fn new(depth: Depth, reason: impl AsRef<str>) -> Self {
        Self {
            depth,
            reason: one_line(reason.as_ref()),
            warning_until: None,
            question: None,
            image: None,
        }
    }
}

/// Joins what is wrong and the words for it, where there are any.
pub(super) fn said(what: &str, words: &str) -> String {
    let words = words.trim();
    if words.is_empty() {
        what.to_owned()
    } else {
        format!("{what}: {words}")
    }
}
