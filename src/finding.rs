//! What is wrong with an input, where, and how to mend it.

use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing; changes nothing.
    Note,
    /// Probably not meant; does not stop a recovery.
    Warning,
    /// Cannot be carried out as written.
    Error,
}

/// A place in a file. Lines and columns count from 1, columns and lengths in characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file as the user named it.
    pub file: String,
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
    /// How many characters are meant; 0 where only the start is known.
    pub length: usize,
}

/// One thing wrong with an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule's stable name, such as `runbook/unknown-source`.
    pub rule: &'static str,
    /// Its weight.
    pub severity: Severity,
    /// What is wrong, in a fragment without a full stop.
    pub message: String,
    /// Where, if it is in a file.
    pub place: Option<Place>,
    /// How to mend it.
    pub help: Option<String>,
}

impl Finding {
    /// Makes an error.
    pub fn error(rule: &'static str, message: impl Into<String>) -> Self {
        Self {
            rule,
            severity: Severity::Error,
            message: message.into(),
            place: None,
            help: None,
        }
    }

    /// Makes a warning.
    pub fn warning(rule: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(rule, message)
        }
    }

    /// Says where.
    #[must_use = "the finding is returned, not changed in place"]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// Says how to mend it.
    #[must_use = "the finding is returned, not changed in place"]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Draws the finding; with the text of its file, as a frame that points at the place.
    pub fn draw(&self, text: Option<&str>, colour: bool) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Note => Level::NOTE,
        };
        let title = level.primary_title(&self.message).id(self.rule);
        let mut group = match (&self.place, text) {
            (Some(place), Some(text)) => Group::with_title(title).element(
                Snippet::source(text)
                    .path(&place.file)
                    .annotation(AnnotationKind::Primary.span(bytes(text, place))),
            ),
            _ => Group::with_title(title),
        };
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help));
        }
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let mut drawn = renderer.render(&[group]);
        if let (Some(place), None) = (&self.place, text) {
            let _ = write!(drawn, "\n --> {}:{}:{}", place.file, place.line, place.column);
        }
        drawn
    }
}

/// Draws findings one after the other and ends with their number; empty for none.
///
/// `text` returns the text of a file by the name that its findings use.
pub fn draw_all(findings: &[Finding], colour: bool, text: impl Fn(&str) -> Option<String>) -> String {
    let mut drawn = String::new();
    for finding in findings {
        let source = finding.place.as_ref().and_then(|place| text(&place.file));
        let _ = writeln!(drawn, "{}\n", finding.draw(source.as_deref(), colour));
    }
    drawn
}

/// Returns the place as a range of bytes of the text.
fn bytes(text: &str, place: &Place) -> std::ops::Range<usize> {
    let line_start: usize = text
        .split_inclusive('\n')
        .take(place.line.saturating_sub(1))
        .map(str::len)
        .sum();
    let line = text[line_start..].lines().next().unwrap_or_default();
    let offset = |characters: usize| {
        line.char_indices()
            .nth(characters)
            .map_or(line.len(), |(index, _)| index)
    };
    let start = place.column.saturating_sub(1);
    line_start + offset(start)..line_start + offset(start + place.length.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_points_at_the_place_and_names_the_mend() {
        let text = "name: shop\nroots:\n  - {source: plaftorm}\n";
        let place = Place {
            file: "prod.yaml".into(),
            line: 3,
            column: 14,
            length: 8,
        };
        let drawn = Finding::error("runbook/unknown-source", "no source is named `plaftorm`")
            .at(place)
            .help("did you mean `platform`?")
            .draw(Some(text), false);
        insta::assert_snapshot!(drawn, @r"
        error[runbook/unknown-source]: no source is named `plaftorm`
         --> prod.yaml:3:14
          |
        3 |   - {source: plaftorm}
          |              ^^^^^^^^
          |
          = help: did you mean `platform`?
        ");
    }
}
