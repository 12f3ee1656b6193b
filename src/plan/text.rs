//! The plan as people read it.

use std::fmt;

use super::Plan;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "plan of {} · {}", self.runbook, self.digest)?;
        for source in &self.sources {
            writeln!(f, "  source {} {} at {}", source.name, source.url, source.commit)?;
        }
        for (index, item) in self.steps.iter().enumerate() {
            writeln!(f, "{:>3}. {:<9} {}", index + 1, item.step.phase.word(), item.step.title)?;
            for detail in &item.details {
                writeln!(f, "               {detail}")?;
            }
        }
        Ok(())
    }
}
