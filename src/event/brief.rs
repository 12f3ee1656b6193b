//! Foreign texts, in few words.
//!
//! A text that somebody else wrote may quote a secret value, and that is masked as a whole: half of it would not be known again. So
//! a text is cut to what is shown only after it was masked, and whoever reads one cuts it far behind that.

use super::body::Body;

/// How many characters are kept of a text until it was masked.
const KEPT: usize = 2048;

/// How many of them are shown: a few lines of a terminal.
const SHOWN: usize = 400;

/// Returns a foreign text as one line, for an event: more of it than anybody is shown. The engine masks it, and then takes it
/// [in brief](Body::in_brief).
pub fn one_line(text: &str) -> String {
    cut(text.split_whitespace().collect::<Vec<_>>().join(" "), KEPT)
}

impl Body {
    /// Returns it with what others said of a node as long as it is shown.
    #[must_use]
    pub fn in_brief(mut self) -> Self {
        if let Self::Node(node) = &mut self {
            let texts = node.blocked_by.iter_mut().map(|blocker| &mut blocker.reason);
            for text in texts.chain([&mut node.words]) {
                *text = cut(std::mem::take(text), SHOWN);
            }
        }
        self
    }
}

/// What was cut before is as long as it may be, and stays so.
fn cut(text: String, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) if &text[end..] != "…" => format!("{}…", text[..end].trim_end()),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters_and_not_twice() {
        let long = one_line(&"ä \n".repeat(2000));
        assert!(long.ends_with("ä…") && long.chars().count() >= KEPT, "{}", long.len());
        let shown = cut(long, SHOWN);
        assert!(shown.ends_with("ä…") && shown.chars().count() <= SHOWN + 1, "{shown}");
        assert_eq!(cut(shown.clone(), SHOWN), shown);
        assert_eq!(one_line(" short\n text "), "short text");
    }
}
