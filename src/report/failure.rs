//! Why something failed, for people.

use super::style::{Paint, Style};
use super::text;
use crate::event::{Failure, OUTPUT};

/// Draws a failure: what failed, its numbered causes or what a program wrote, and how to mend it. Ends with a line break.
pub fn failure(failure: &Failure, style: Style) -> String {
    let error = style.paint(Paint::Bad, "error:");
    // The first line is wrapped as if unpainted, for the codes have no width.
    let message = text::wrap(&failure.message, "error: ", style.width).replacen("error:", &error, 1);
    format!("{message}\n{}", reasons(failure, style))
}

/// Draws the causes and hints alone, for where the message was said already; empty if there are none.
pub(super) fn reasons(failure: &Failure, style: Style) -> String {
    let mut numbers = 1..;
    let causes = failure.causes.iter().map(|cause| {
        let line = match cause.strip_prefix(OUTPUT) {
            Some(output) => text::wrap(output, "  | ", style.width),
            None => text::wrap(
                cause,
                &format!("  {}. ", numbers.next().unwrap_or_default()),
                style.width,
            ),
        };
        line + "\n"
    });
    let hints = failure.hints.iter().map(|hint| {
        let painted = style.paint(Paint::Good, "hint:");
        text::wrap(hint, "  hint: ", style.width).replacen("hint:", &painted, 1) + "\n"
    });
    causes.chain(hints).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_tells_what_why_and_how_to_mend_it() {
        let failed = Failure {
            message: "cannot read `dr/repo-platform` from store `vault`".into(),
            causes: vec![
                "permission denied (403)".into(),
                "the token's policies are: default".into(),
            ],
            hints: vec![
                "grant `read` on `secret/data/dr/repo-platform` to the AppRole `gitops-dr`, then run again".into(),
            ],
        };
        insta::assert_snapshot!(failure(&failed, Style::default()), @r"
        error: cannot read `dr/repo-platform` from store `vault`
          1. permission denied (403)
          2. the token's policies are: default
          hint: grant `read` on `secret/data/dr/repo-platform` to the AppRole
                `gitops-dr`, then run again
        ");
    }

    #[test]
    fn what_a_program_wrote_is_no_list_of_reasons() {
        let failed = Failure {
            causes: vec![
                "| pg_restore: no such dump".into(),
                "| see the log".into(),
                "a reason".into(),
            ],
            ..Failure::new("`restore` ended with exit status 7")
        };
        insta::assert_snapshot!(failure(&failed, Style::default()), @r"
        error: `restore` ended with exit status 7
          | pg_restore: no such dump
          | see the log
          1. a reason
        ");
    }

    #[test]
    fn colour_is_only_where_it_is_allowed() {
        let failed = Failure::new("no such file").hint("name another");
        assert!(!failure(&failed, Style::default()).contains('\u{1b}'));
        let style = Style {
            colour: true,
            ..Style::default()
        };
        assert_eq!(
            console::strip_ansi_codes(&failure(&failed, style)),
            failure(&failed, Style::default())
        );
    }
}
