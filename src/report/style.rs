//! How a report may look.

use std::fmt::Display;

/// What the place that a report goes to can show. The caller knows; nothing here asks the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether colours are allowed.
    pub colour: bool,
    /// How many columns a line may have.
    pub width: usize,
}

impl Default for Style {
    /// No colours, 80 columns.
    fn default() -> Self {
        Self {
            colour: false,
            width: 80,
        }
    }
}

/// What a piece of text means to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paint {
    Good,
    Bad,
    Caution,
    Strong,
    Faint,
}

impl Style {
    /// Paints a text that is already as long as it should be.
    pub(super) fn paint(self, paint: Paint, text: impl Display) -> String {
        let code = match paint {
            Paint::Good => "32",
            Paint::Bad => "31",
            Paint::Caution => "33",
            Paint::Strong => "1",
            Paint::Faint => "2",
        };
        if self.colour {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_string()
        }
    }
}
