//! Values that the runbook holds or names.

use crate::event::Failure;
use crate::redact::Secret;
use crate::runbook::Plain;

/// Returns a value of the runbook, read from the environment where it says so.
pub(super) fn value(store: &str, plain: &Plain) -> Result<Secret, Failure> {
    match plain {
        Plain::Literal(text) => Ok(Secret::from(text.as_str())),
        Plain::Env(name) => match std::env::var(name) {
            // A line break at the end is what `$(cat file)` keeps out and an editor puts in.
            Ok(value) if !value.trim().is_empty() => Ok(Secret::from(value.trim())),
            _ => Err(Failure::new(format!(
                "store {store}: the variable {name} is not set, and the runbook logs in with it"
            ))
            .hint(format!("export {name} and run again"))),
        },
    }
}
