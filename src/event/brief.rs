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
                *text = shortened(std::mem::take(text));
            }
        }
        self
    }
}

/// Takes out of a long text what is between its beginning and its end: programs tell the cause last. The end of a text that was
/// cut before it was masked is not shown: it may be half of a secret value.
fn shortened(text: String) -> String {
    const GAP: &str = " … ";
    if text.ends_with('…') {
        return cut(text, SHOWN);
    }
    let count = text.chars().count();
    if count <= SHOWN + 1 {
        return text;
    }
    let end = SHOWN / 2 - GAP.len();
    let head: String = text.chars().take(SHOWN - end - GAP.len()).collect();
    let tail: String = text.chars().skip(count - end).collect();
    format!("{}{GAP}{}", head.trim_end(), tail.trim_start())
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
    fn of_a_long_text_the_beginning_and_the_end_are_shown() {
        let text = format!("helm template: {}: no such file", "x ".repeat(400));
        let shown = shortened(text);
        assert!(
            shown.starts_with("helm template: x x") && shown.ends_with("x : no such file"),
            "{shown}"
        );
        assert_eq!(shortened("short".into()), "short");
    }

    #[test]
    fn a_long_text_is_cut_between_characters_and_not_twice() {
        let long = one_line(&"ä \n".repeat(2000));
        assert!(long.ends_with("ä…") && long.chars().count() >= KEPT, "{}", long.len());
        let shown = shortened(long);
        assert!(shown.ends_with("ä…") && shown.chars().count() <= SHOWN + 1, "{shown}");
        assert_eq!(shortened(shown.clone()), shown);
        assert_eq!(one_line(" short\n text "), "short text");
    }
}
