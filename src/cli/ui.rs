//! Both streams of the process, and how they may look. The only place that prints.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

use console::Term;

use super::args::{Looks, Output};
use crate::finding::{Finding, draw_all};
use crate::redact::Redactor;
use crate::report::{Style, clean};

/// The process's streams.
pub(super) struct Ui {
    /// How the user wants it.
    pub(super) looks: Looks,
    /// The net for secret values.
    pub(super) redactor: Redactor,
}

impl Ui {
    /// Whether standard error is a terminal on which a live view can be drawn.
    pub(super) fn is_live() -> bool {
        std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
    }

    /// How text on standard error may look.
    pub(super) fn style() -> Style {
        style(&Term::stderr(), std::io::stderr().is_terminal())
    }

    /// How text on standard output may look.
    pub(super) fn out_style() -> Style {
        style(&Term::stdout(), std::io::stdout().is_terminal())
    }

    /// Whether machines read standard output.
    pub(super) fn is_json(&self) -> bool {
        self.looks.output == Output::Json
    }

    /// Writes to standard output. A reader that has gone away is no failure of the work. Machines get every character as it is,
    /// people none that moves their cursor.
    pub(super) fn out(&self, text: &str) {
        let text = self.redactor.redact(text);
        let text = if self.is_json() {
            text
        } else {
            clean(&text, Self::out_style().colour).into_owned().into()
        };
        let _ = std::io::stdout().write_all(text.as_bytes());
    }

    /// Writes to standard error.
    pub(super) fn err(&self, text: &str) {
        Self::plain(&self.redactor, text);
    }

    /// Writes to standard error, for whoever has only the net for secret values.
    pub(super) fn plain(redactor: &Redactor, text: &str) {
        let text = redactor.redact(text);
        let _ = std::io::stderr().write_all(clean(&text, Self::style().colour).as_bytes());
    }

    /// Draws findings of a file on standard error, or as JSON on standard output.
    pub(super) fn findings(&self, findings: &[Finding], file: &Path, text: &str) {
        if findings.is_empty() {
            return;
        }
        if self.is_json() {
            for finding in findings {
                self.out(&format!(
                    "{}\n",
                    serde_json::json!({"family": "finding", "finding": finding})
                ));
            }
            return;
        }
        self.drawn(findings, file, text);
    }

    /// Draws findings of a file on standard error.
    pub(super) fn drawn(&self, findings: &[Finding], file: &Path, text: &str) {
        let name = file.display().to_string();
        let source = |asked: &str| (asked == name && !text.is_empty()).then(|| text.to_owned());
        self.err(&draw_all(findings, Self::style().colour, source));
    }
}

/// Colours only on a terminal, and not where `NO_COLOR` asks for none (no-color.org).
fn style(term: &Term, terminal: bool) -> Style {
    let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let width = if terminal {
        usize::from(term.size().1).clamp(40, 160)
    } else {
        100
    };
    Style { colour, width }
}
