//! Values that the runbook holds or names.

use crate::event::Failure;
use crate::redact::Secret;
use crate::runbook::Plain;

/// Returns two values of the runbook, or what is lacking of both.
pub(super) fn pair(store: &str, one: &Plain, other: &Plain) -> Result<(Secret, Secret), Failure> {
    match (value(store, one), value(store, other)) {
        (Ok(one), Ok(other)) => Ok((one, other)),
        (one, other) => Err(together([one, other].into_iter().filter_map(Result::err).collect())),
    }
}

/// Makes one failure of several, each told whole.
pub(super) fn together(mut failures: Vec<Failure>) -> Failure {
    if failures.len() == 1 {
        return failures.swap_remove(0);
    }
    let all = Failure::new("the stores lack what the runbook logs in with");
    failures.into_iter().fold(all, |mut all, failure| {
        all.causes.push(failure.words());
        failure.hints.into_iter().fold(all, Failure::hint)
    })
}

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
