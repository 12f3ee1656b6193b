//! Asks a person before the run goes on.

use std::sync::Arc;

use async_trait::async_trait;

use super::World;
use crate::engine::{Answer, Context, Holds, Step};
use crate::event::{Failure, Outcome, PlannedStep, Question};
use crate::runbook::Approval;

/// One of the runbook's own approvals. It changes nothing: it only keeps what comes after it from being done.
pub struct Approve {
    /// What the run knows.
    pub world: Arc<World>,
    /// The step as planned.
    pub planned: PlannedStep,
    /// Its name in the runbook.
    pub id: String,
    /// What is asked.
    pub approval: Approval,
}

#[async_trait]
impl Step for Approve {
    fn planned(&self) -> PlannedStep {
        self.planned.clone()
    }

    /// What was approved stays so: nobody is asked twice in one recovery.
    async fn holds(&self, _context: &Context, earlier: &Outcome) -> Result<Holds, Failure> {
        Ok(match earlier {
            Outcome::Done { detail } | Outcome::Skipped { detail } => Holds::Yes(detail.clone()),
            Outcome::Failed { .. } => Holds::Again,
        })
    }

    async fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        let answers = &self.world.options.answers;
        if let Some(comment) = answers.approves(&self.id) {
            context.vouched(format!("approve {}", self.id), comment);
            return Ok(approved("--approve", comment));
        }
        if answers.yes {
            context.vouched(format!("approve {}", self.id), "--yes");
            return Ok(approved("--yes", ""));
        }
        match context.ask(self.question()).await? {
            Answer::Given { by, comment } => Ok(approved(&by, &comment)),
            Answer::Refused { by } => Err(Failure::new(format!("{by} did not approve: {}", self.approval.prompt))
                .hint("what was done so far stays; go on with --resume when it may be")),
        }
    }
}

impl Approve {
    fn question(&self) -> Question {
        let confirm = self.approval.confirm.as_ref().unwrap_or(&self.id);
        Question {
            prompt: self.approval.prompt.clone(),
            confirm: Some(confirm.clone()),
            timeout_ms: self
                .approval
                .timeout
                .map(|timeout| u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX)),
            flag: format!("--approve {}=COMMENT", self.id),
            ..Question::default()
        }
    }
}

fn approved(by: &str, comment: &str) -> Outcome {
    let comment = if comment.is_empty() {
        String::new()
    } else {
        format!(": {comment}")
    };
    Outcome::Done {
        detail: format!("approved by {by}{comment}"),
    }
}
