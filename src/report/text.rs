//! Text on lines of limited width.

use console::{Alignment, measure_text_width, pad_str, truncate_str};

/// Makes one line of any text: runs of blanks and control characters become one blank.
///
/// Messages come from clusters and may hold line breaks or escape sequences, which must not reach a terminal.
pub(super) fn line(text: &str) -> String {
    text.split(|character: char| character.is_whitespace() || character.is_control() || turns(character))
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Whether a character turns the direction of writing, which would show a line as what it is not.
fn turns(character: char) -> bool {
    matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Makes one line of at most so many columns; what is too long ends in `…`.
pub(super) fn fit(text: &str, width: usize) -> String {
    truncate_str(&line(text), width, "…").into_owned()
}

/// Makes a name of at most so many columns. Names differ at both ends, so that the middle is what gives way.
pub(super) fn fit_name(name: &str, width: usize) -> String {
    let name = line(name);
    let length = name.chars().count();
    if measure_text_width(&name) <= width || width < 5 {
        return truncate_str(&name, width, "…").into_owned();
    }
    let tail = (width - 1) / 2;
    let head: String = name.chars().take(width - 1 - tail).collect();
    let tail: String = name.chars().skip(length - tail).collect();
    truncate_str(&format!("{head}…{tail}"), width, "…").into_owned()
}

/// Fills a text with blanks on the right.
pub(super) fn pad(text: &str, width: usize) -> String {
    pad_str(text, width, Alignment::Left, None).into_owned()
}

/// Fills a text with blanks on the left.
pub(super) fn pad_left(text: &str, width: usize) -> String {
    pad_str(text, width, Alignment::Right, None).into_owned()
}

/// Breaks a sentence at blanks into lines of at most so many columns. The first begins with `first`, the others with as
/// many blanks. A word that is too long stays whole, so that an address or a command can be copied.
pub(super) fn wrap(sentence: &str, first: &str, width: usize) -> String {
    let indent = " ".repeat(measure_text_width(first));
    let mut lines = vec![first.to_owned()];
    let mut is_empty = true;
    for word in line(sentence).split(' ') {
        let full = lines
            .last()
            .is_some_and(|last| measure_text_width(last) + 1 + measure_text_width(word) > width);
        if !is_empty && full {
            lines.push(indent.clone());
            is_empty = true;
        }
        if let Some(last) = lines.last_mut() {
            if !is_empty {
                last.push(' ');
            }
            last.push_str(word);
        }
        is_empty = false;
    }
    lines.join("\n")
}

/// Breaks a sentence like [`wrap`] into at most so many lines, none of them too long; what is left out ends in `…`.
pub(super) fn wrap_at_most(sentence: &str, first: &str, width: usize, most: usize) -> Vec<String> {
    let wrapped = wrap(sentence, first, width);
    let mut lines: Vec<_> = wrapped.lines().map(str::to_owned).collect();
    if let Some(rest) = (lines.len() > most).then(|| lines.split_off(most))
        && let Some(last) = lines.last_mut()
    {
        // The rest is added first, so that it is cut in the middle of a word if it must be.
        *last = format!("{last} {}", rest.join(" ").trim_start());
    }
    lines
        .iter()
        .map(|line| truncate_str(line, width, "…").into_owned())
        .collect()
}

/// Says how many, with the right form of the word: `1 exception`, `2 exceptions`.
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Quotes a word for a shell, if it needs to be.
pub(super) fn quote(word: &str) -> String {
    let is_plain = |character: char| character.is_alphanumeric() || "-_./:=@%+,~".contains(character);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", line(word).replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_character_of_a_message_reaches_the_screen() {
        assert_eq!(line("a\u{1b}[31m red\r\n\tb \u{7}c"), "a [31m red b c");
        assert_eq!(line("\u{202e}hcraes"), "hcraes");
    }

    #[test]
    fn a_long_name_keeps_both_ends() {
        assert_eq!(fit_name("payments-service-eu-west-1", 13), "paymen…west-1");
        assert_eq!(fit_name("payments", 13), "payments");
        assert_eq!(fit_name("payments", 3), "pa…");
    }

    #[test]
    fn a_sentence_breaks_at_blanks_and_hangs_under_its_first_word() {
        assert_eq!(
            wrap("point the name at it", "  1. ", 16),
            "  1. point the\n     name at it"
        );
        assert_eq!(
            wrap("see https://a.example.com/long now", "- ", 12),
            "- see\n  https://a.example.com/long\n  now"
        );
    }

    #[test]
    fn a_command_can_be_pasted_into_a_shell() {
        assert_eq!(quote("runbooks/prod.yaml"), "runbooks/prod.yaml");
        assert_eq!(quote("it's prod.yaml"), r"'it'\''s prod.yaml'");
    }

    #[test]
    fn wide_characters_count_as_two_columns() {
        assert_eq!(fit("日本語の名前", 7), "日本語…");
    }
}
