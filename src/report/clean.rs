//! What may be written where people read it.

use std::borrow::Cow;

/// What stands where a control character stood.
const INSTEAD: char = '\u{fffd}';

/// The codes that colour a text, our own and those of what draws findings: none of them hides anything or moves the cursor.
const COLOURS: [&str; 16] = [
    "", "0", "1", "2", "31", "32", "33", "34", "35", "36", "91", "92", "93", "94", "95", "96",
];

/// Returns a text for a terminal without the control characters that somebody else may have put there, such as a repository in the
/// name of an app. Line breaks and tabs stay, and so do colours where they are allowed.
pub fn clean(text: &str, colour: bool) -> Cow<'_, str> {
    let is_bad = |letter: char| letter.is_control() && letter != '\n' && letter != '\t';
    if !text.contains(is_bad) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(is_bad) {
        let (before, behind) = rest.split_at(at);
        cleaned.push_str(before);
        let length = if colour { painted(behind) } else { None };
        if let Some(length) = length {
            cleaned.push_str(&behind[..length]);
            rest = &behind[length..];
        } else {
            cleaned.push(INSTEAD);
            rest = behind.split_at(behind.chars().next().map_or(0, char::len_utf8)).1;
        }
    }
    cleaned.push_str(rest);
    Cow::Owned(cleaned)
}

/// Returns how long the colour is with which a text begins.
fn painted(text: &str) -> Option<usize> {
    let codes = text.strip_prefix("\u{1b}[")?;
    let (codes, _) = codes.split_once('m')?;
    let are_known = codes.split(';').all(|code| COLOURS.contains(&code));
    are_known.then_some(codes.len() + 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_line_breaks_tabs_and_colours_pass() {
        for (text, plain, coloured) in [
            ("a\n\tb ü «»", "a\n\tb ü «»", "a\n\tb ü «»"),
            (
                "\u{1b}[31mred\u{1b}[0m",
                "\u{fffd}[31mred\u{fffd}[0m",
                "\u{1b}[31mred\u{1b}[0m",
            ),
            ("\u{1b}[1;31mx", "\u{fffd}[1;31mx", "\u{1b}[1;31mx"),
            (
                "a\u{1b}]0;title\u{7}",
                "a\u{fffd}]0;title\u{fffd}",
                "a\u{fffd}]0;title\u{fffd}",
            ),
            ("\u{1b}[8mhidden", "\u{fffd}[8mhidden", "\u{fffd}[8mhidden"),
            ("\u{1b}[2Jm", "\u{fffd}[2Jm", "\u{fffd}[2Jm"),
            (
                "\u{9b}31m\u{85}\r\u{7f}",
                "\u{fffd}31m\u{fffd}\u{fffd}\u{fffd}",
                "\u{fffd}31m\u{fffd}\u{fffd}\u{fffd}",
            ),
        ] {
            assert_eq!(clean(text, false), plain, "{text:?}");
            assert_eq!(clean(text, true), coloured, "{text:?}");
        }
    }
}
