//! Runbooks as they are while they are being typed, or after a slip of the hand.

use proptest::prelude::*;

use super::good::{COMPLETE, DESIGN, SMALL};
use crate::finding::{Severity, draw_all};
use crate::runbook::parse;

/// Reads a text and checks what must hold of any.
fn read(text: &str) -> String {
    let (runbook, findings) = parse("runbook.yaml", text);
    let is_fatal = findings.iter().any(|finding| finding.severity == Severity::Error);
    assert_eq!(runbook.is_none(), is_fatal, "a runbook, or an error");
    assert!(
        findings.iter().all(|finding| finding.rule != "runbook/unread"),
        "the checks let something pass"
    );
    let lines: Vec<_> = text.lines().map(|line| line.chars().count()).collect();
    let mut last = (0, 0);
    for finding in &findings {
        let place = finding.place.as_ref().unwrap();
        assert!((1..=lines.len().max(1)).contains(&place.line), "{finding:?}");
        let width = lines.get(place.line - 1).copied().unwrap_or(0);
        assert!(
            place.column >= 1 && place.column - 1 + place.length <= width,
            "{finding:?}"
        );
        assert!(last <= (place.line, place.column), "in the order of the file");
        last = (place.line, place.column);
    }
    draw_all(&findings, false, |_| Some(text.to_owned()))
}

/// Returns the byte at which a character starts, for a share of the text.
fn boundary(text: &str, share: f64) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "the share is between 0 and 1"
    )]
    let byte = (text.len() as f64 * share) as usize;
    (0..=byte).rev().find(|byte| text.is_char_boundary(*byte)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_runbook_that_breaks_off_is_read_without_panic(text in prop::sample::select(vec![SMALL, COMPLETE, DESIGN]), at in 0.0..1.0) {
        read(&text[..boundary(text, at)]);
    }

    #[test]
    fn a_runbook_in_which_something_was_overwritten_is_read_without_panic(
        text in prop::sample::select(vec![SMALL, COMPLETE, DESIGN]),
        at in 0.0..1.0,
        length in 0_usize..40,
        typed in r#"[a-z0-9:{}\[\]\-,#&*!|>'"%@ \n\t\rä~?<=.]{0,8}"#,
    ) {
        let start = boundary(text, at);
        let end = (start + length).min(text.len());
        let end = (start..=end).rev().find(|byte| text.is_char_boundary(*byte)).unwrap();
        read(&format!("{}{typed}{}", &text[..start], &text[end..]));
    }

    #[test]
    fn lines_may_be_left_out_or_swapped(text in prop::sample::select(vec![SMALL, COMPLETE, DESIGN]), seed in prop::collection::vec(0_usize..200, 1..6)) {
        let mut lines: Vec<_> = text.lines().collect();
        for pair in seed.windows(2) {
            let (one, other) = (pair[0] % lines.len(), pair[1] % lines.len());
            lines.swap(one, other);
        }
        let first = seed[0] % lines.len();
        lines.remove(first);
        read(&lines.join("\n"));
    }
}

#[test]
fn a_token_stays_hidden_whatever_else_is_mistyped() {
    const TOKEN: &str = "q7Zr-canary-Xy91";
    let text = SMALL.replace("{env: VAULT_TOKEN}", TOKEN);
    let inside = text.find(TOKEN).unwrap();
    let elsewhere = (0..text.len()).filter(|at| !(inside..inside + TOKEN.len()).contains(at));
    for at in elsewhere {
        let (before, after) = text.split_at(at);
        // A character is typed too much, or one too few.
        let slips = "a: {}[]-,#\"'\n\t"
            .chars()
            .map(|typed| format!("{before}{typed}{after}"));
        for slip in slips.chain([format!("{before}{}", &after[1..])]) {
            let drawn = read(&slip);
            assert!(!drawn.contains(TOKEN), "{slip}\n{drawn}");
        }
    }
}
