//! What stands in the way, all of it.

use crate::event::Failure;

/// Collects refusals: nobody should have to run a recovery tool seven times to learn of seven things.
#[derive(Default)]
pub(super) struct Standing(Vec<Failure>);

impl Standing {
    /// Takes the outcome of one interlock; `None` where it refuses.
    pub(super) fn take<T>(&mut self, outcome: Result<T, Failure>) -> Option<T> {
        outcome.map_err(|failure| self.0.push(failure)).ok()
    }

    /// Whether nothing stands in the way so far.
    pub(super) fn is_clear(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns all that stands in the way as one failure.
    pub(super) fn verdict(mut self) -> Result<(), Failure> {
        match self.0.len() {
            0 => Ok(()),
            1 => self.0.pop().map_or(Ok(()), Err),
            count => {
                let mut all = Failure::new(format!("{count} things stand in the way"));
                for failure in self.0 {
                    // Of many troubles each needs its own mend beside it.
                    let mend = failure.hints.join("; ").replace("?; ", "? ");
                    let mut words = std::iter::once(failure.message)
                        .chain(failure.causes)
                        .collect::<Vec<_>>()
                        .join(": ");
                    if !mend.is_empty() {
                        words = format!("{words} ({mend})");
                    }
                    all.causes.push(words);
                }
                Err(all.hint("see to each of them, and run again"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_refusal_keeps_its_words_and_many_are_told_together() {
        let refusal = |message: &str| Err::<(), _>(Failure::new(message).hint(format!("mend {message}")));
        let mut one = Standing::default();
        assert_eq!(one.take(Ok(7)), Some(7));
        assert!(one.is_clear());
        one.take(refusal("a"));
        assert!(!one.is_clear());
        assert_eq!(one.verdict().unwrap_err().message, "a");
        let mut many = Standing::default();
        many.take(refusal("a"));
        many.take(refusal("b"));
        let told = many.verdict().unwrap_err();
        assert_eq!(told.message, "2 things stand in the way");
        assert_eq!(told.causes, ["a (mend a)", "b (mend b)"]);
        assert!(Standing::default().verdict().is_ok());
    }
}
