//! Runbooks in which something is wrong, and all that is said about them.
//!
//! A case is an edit of a good runbook. `«…»` in it marks the place that a finding points at; the marks are taken out
//! before the runbook is read. Nothing but what is listed may be found. Most cases are in the text files beside this one.

use std::fmt::Write as _;

use super::good::{COMPLETE, SMALL};
use crate::finding::{Finding, draw_all};
use crate::runbook::parse;

/// A rule and a part of the message or help, for each finding in order.
type Expected = &'static [(&'static str, &'static str)];

/// Whole files.
const FILES: &[(&str, &str, Expected)] = &[
    ("empty", "«»", &[("runbook/empty", "no runbook")]),
    (
        "only a comment",
        "«»# nothing yet\n",
        &[("runbook/empty", "starts with `apiVersion")],
    ),
    (
        "a list",
        "«- apiVersion: gitops-dr/v1»\n",
        &[("runbook/wrong-type", "a runbook as a mapping, found a list")],
    ),
    ("text", "«apiVersion»\n", &[("runbook/wrong-type", "found text")]),
    (
        "keys without values",
        "«apiVersion»:\n«kind»:\n",
        &[
            ("runbook/empty-value", "`apiVersion` is empty"),
            (
                "runbook/missing-key",
                "a runbook needs `name` and `sources` and `agent` and `roots`",
            ),
            ("runbook/empty-value", "`kind` is empty"),
        ],
    ),
];

/// A broken runbook: its name, its text without marks, and what is to be found, with line, column and length.
pub(super) struct Broken {
    pub(super) name: &'static str,
    pub(super) text: String,
    /// A rule and a part of the message or help, for each finding in order.
    pub(super) expected: Vec<(&'static str, &'static str)>,
    places: Vec<(usize, usize, usize)>,
}

/// Returns all broken runbooks.
pub(super) fn all() -> Vec<Broken> {
    let mut all: Vec<_> = FILES
        .iter()
        .map(|(name, text, expected)| broken(name, text, expected.to_vec()))
        .collect();
    all.extend(edits(SMALL, include_str!("broken_small.txt")));
    all.extend(edits(COMPLETE, include_str!("broken_complete.txt")));
    all
}

/// Reads edits: `== name`, lines to replace after `- `, what they become after `+ `, then the findings.
fn edits(base: &str, cases: &'static str) -> Vec<Broken> {
    let cases = cases.split("\n== ").skip(1);
    cases
        .map(|case| {
            let (name, case) = case.split_once('\n').unwrap();
            let part = |sign: &str| {
                // An empty line is written as the sign alone.
                let line = |line: &'static str| {
                    line.strip_prefix(sign)
                        .map(|line| line.strip_prefix(' ').unwrap_or(line))
                };
                let lines: Vec<_> = case.lines().filter_map(line).collect();
                lines.join("\n")
            };
            let (old, new) = (part("-"), part("+"));
            assert_eq!(
                base.matches(&old).count(),
                1,
                "{name}: `{old}` must stand in the runbook once"
            );
            let expected = case
                .lines()
                .filter(|line| line.starts_with("runbook/"))
                .map(|line| line.split_once(' ').unwrap_or((line, "")))
                .collect();
            let new = if new.is_empty() { new } else { format!("{new}\n") };
            let text = base.replace(&format!("{old}\n"), &new);
            let text = if text == base {
                base.replace(&old, new.trim_end_matches('\n'))
            } else {
                text
            };
            broken(name, &text, expected)
        })
        .collect()
}

fn broken(name: &'static str, marked: &str, expected: Vec<(&'static str, &'static str)>) -> Broken {
    let mut text = String::new();
    let mut places = Vec::new();
    let (mut line, mut column) = (1, 1);
    for character in marked.chars() {
        match character {
            '«' => places.push((line, column, 0)),
            '»' => {
                let place = places.last_mut().unwrap();
                place.2 = column - place.1;
            }
            _ => {
                text.push(character);
                column += 1;
                if character == '\n' {
                    (line, column) = (line + 1, 1);
                }
            }
        }
    }
    Broken {
        name,
        text,
        expected,
        places,
    }
}

fn words(finding: &Finding) -> String {
    format!("{}; {}", finding.message, finding.help.as_deref().unwrap_or_default())
}

#[test]
fn each_broken_runbook_is_told_what_is_wrong_and_where() {
    let mut wrong = String::new();
    let all = all();
    assert!(all.len() >= 80, "{}", all.len());
    for broken in &all {
        let (runbook, findings) = parse("runbook.yaml", &broken.text);
        let is_fatal = findings
            .iter()
            .any(|finding| finding.severity == crate::finding::Severity::Error);
        assert_eq!(runbook.is_none(), is_fatal, "{}", broken.name);
        let fits = |finding: &Finding, (rule, fragment): &(&str, &str)| {
            finding.rule == *rule && words(finding).contains(fragment)
        };
        let said = findings.len() == broken.expected.len()
            && findings
                .iter()
                .zip(&broken.expected)
                .all(|(finding, expected)| fits(finding, expected));
        // A mark may be left out where another case already shows the place of the rule.
        let found: Vec<_> = findings
            .iter()
            .map(|finding| finding.place.as_ref().unwrap())
            .map(|place| (place.line, place.column, place.length))
            .collect();
        // The place of a slip in the syntax is the scanner's affair.
        let is_marked = !broken.places.is_empty() || broken.expected[0].0 == "runbook/syntax";
        let placed = is_marked && broken.places.iter().all(|place| found.contains(place));
        if !said || !placed {
            let _ = writeln!(
                wrong,
                "== {}: marked {:?}, expected {:?}",
                broken.name, broken.places, broken.expected
            );
            wrong += &draw_all(&findings, false, |_| Some(broken.text.clone()));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
