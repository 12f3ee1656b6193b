//! The person at hand, if there is one.

use async_trait::async_trait;

use crate::event::Question;

/// What a person answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Yes: the word was typed, or the words asked for are given. With who said so, and what else was said.
    Given {
        /// The user's name, or the flag that answers for one.
        by: String,
        /// The words.
        comment: String,
    },
    /// No.
    Refused {
        /// The user's name.
        by: String,
    },
}

/// Whoever can be asked while a run goes on.
#[async_trait]
pub trait Person: Send + Sync {
    /// Whether there is anybody: a terminal, and somebody who may type on it.
    fn is_there(&self) -> bool;

    /// Asks and waits for the answer; `None` if it can no longer come. The caller drops the future when it has waited enough.
    async fn ask(&self, question: &Question) -> Option<Answer>;
}

/// Nobody is there: in a pipeline, and in tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

#[async_trait]
impl Person for Nobody {
    fn is_there(&self) -> bool {
        false
    }

    async fn ask(&self, _question: &Question) -> Option<Answer> {
        None
    }
}
