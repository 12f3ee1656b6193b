//! What a person is asked, in a terminal.

use super::style::{Paint, Style};
use super::text;
use crate::event::Question;

/// Draws a question with all that a person should know to answer it. Ends with a line break; [`cue`] comes next.
pub fn question(question: &Question, style: Style) -> String {
    let mark = style.paint(Paint::Caution, "?");
    let prompt = text::wrap(&question.prompt, "? ", style.width);
    let prompt: Vec<_> = prompt.lines().map(|line| style.paint(Paint::Strong, line)).collect();
    let mut drawn = prompt.join("\n").replacen('?', &mark, 1) + "\n";
    for detail in &question.details {
        drawn += &(text::wrap(detail, "    ", style.width) + "\n");
    }
    drawn
}

/// Returns what stands before the cursor: what is to be typed.
pub fn cue(question: &Question) -> String {
    match (&question.confirm, question.choices.as_slice()) {
        (Some(word), _) => format!("  type `{}` to go on, or `no`: ", text::line(word)),
        (None, []) => "  say it in words, or `no`: ".to_owned(),
        (None, choices) => {
            let choices: Vec<_> = choices
                .iter()
                .map(|word| format!("`{} REASON`", text::line(word)))
                .collect();
            format!("  type {}, or `no`: ", choices.join(" or "))
        }
    }
}

/// Says that an answer was none. Ends with a line break.
pub fn again(question: &Question) -> String {
    match &question.confirm {
        Some(word) => format!("  That is not `{}`.\n", text::line(word)),
        None => "  That is none of the answers; a reason belongs to each.\n".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_stands_with_what_one_should_know_and_what_to_type() {
        let asked = Question {
            prompt:
                "Are the volumes of the shop restored, and is nobody writing to the old\u{1b}[2J database any more?"
                    .into(),
            details: vec!["The newest backup is of 02:00; what came in after it is lost.".into()],
            confirm: Some("data".into()),
            ..Question::default()
        };
        insta::assert_snapshot!(question(&asked, Style::default()) + &cue(&asked), @r"
        ? Are the volumes of the shop restored, and is nobody writing to the old [2J
          database any more?
            The newest backup is of 02:00; what came in after it is lost.
          type `data` to go on, or `no`: 
        ");
        let choice = Question {
            choices: vec!["was-done".into(), "do-again".into()],
            ..Question::default()
        };
        assert_eq!(cue(&choice), "  type `was-done REASON` or `do-again REASON`, or `no`: ");
    }

    #[test]
    fn colours_change_nothing_but_the_colours() {
        let asked = Question {
            prompt: "Are the volumes restored? ".repeat(6),
            details: vec!["a".into()],
            ..Question::default()
        };
        let colourful = Style {
            colour: true,
            width: 80,
        };
        let drawn = question(&asked, colourful);
        assert_eq!(console::strip_ansi_codes(&drawn), question(&asked, Style::default()));
    }
}
