//! As little as possible.

use std::io::Write;

use super::{Style, failure::reasons, outcome};
use crate::event::{Body, Event, Run, RunState, Sink};

/// Says nothing until the end, then how it ended in one sentence, and why if it did not recover.
#[derive(Debug)]
pub struct Quiet<W> {
    out: W,
    style: Style,
}

impl<W: Write> Quiet<W> {
    /// Writes to `out`.
    pub fn new(out: W, style: Style) -> Self {
        Self { out, style }
    }
}

impl<W: Write + Send> Sink for Quiet<W> {
    fn event(&mut self, event: &Event, state: &RunState) {
        if !matches!(event.body, Body::Run(Run::Finished { .. })) {
            return;
        }
        let _ = writeln!(self.out, "{}", outcome(state));
        if let Some(why) = super::outcome::cause(state) {
            let _ = self.out.write_all(reasons(why, self.style).as_bytes());
        }
        let _ = self.out.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Failure, RunOutcome};
    use crate::report::story::{Story, story};

    fn told(story: &Story) -> String {
        let mut out = Vec::new();
        story.tell(&mut Quiet::new(&mut out, Style::default()));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn success_is_one_line() {
        insta::assert_snapshot!(told(&story().until_apps().finish(RunOutcome::Recovered, None)), @"recovered in 43s, target 30m met");
    }

    #[test]
    fn failure_says_why_and_how_to_mend_it() {
        let failure = Failure {
            causes: vec!["permission denied (403)".into()],
            ..Failure::new("cannot read `dr/argocd` from store `vault`").hint("grant `read` on it")
        };
        insta::assert_snapshot!(told(&story().until_apps().finish(RunOutcome::Failed, Some(failure))), @r"
        failed after 43s: cannot read `dr/argocd` from store `vault`
          1. permission denied (403)
          hint: grant `read` on it
        ");
    }
}
