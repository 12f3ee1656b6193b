//! The person at the terminal.

use std::io::{BufRead as _, IsTerminal as _};

use async_trait::async_trait;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::ui::Ui;
use crate::engine::{Answer, Person};
use crate::event::Question;
use crate::redact::Redactor;
use crate::report;

/// How often a word that was mistyped may be typed again.
const AGAIN: usize = 2;

/// Whoever sits at the terminal, if both standard input and standard error are one.
pub(super) struct AtTerminal {
    name: String,
    redactor: Redactor,
    /// The lines that are typed, read by a thread that begins with the first question.
    typed: Mutex<Option<UnboundedReceiver<String>>>,
}

impl AtTerminal {
    /// Looks who is there.
    pub(super) fn new(redactor: &Redactor) -> Self {
        let name = ["USER", "LOGNAME"]
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|name| !name.is_empty()));
        Self {
            name: name.unwrap_or_else(|| "somebody at the terminal".to_owned()),
            redactor: redactor.clone(),
            typed: Mutex::new(None),
        }
    }

    fn say(&self, text: &str) {
        Ui::plain(&self.redactor, text);
    }

    /// Reads a line without holding up anything else; `None` when the terminal is closed.
    async fn line(&self, typed: &mut UnboundedReceiver<String>) -> Option<String> {
        // Whoever stops waiting for an answer, or interrupts it, goes on below the question.
        let mut waiting = Waiting(true);
        let line = typed.recv().await;
        waiting.0 = line.is_none();
        line.map(|line| line.trim().to_owned())
    }

    async fn answer(&self, question: &Question, typed: &mut UnboundedReceiver<String>) -> Option<Answer> {
        for _ in 0..=AGAIN {
            self.say(&report::cue(question));
            let line = self.line(typed).await?;
            match read(question, &line) {
                Read::No => return Some(Answer::Refused { by: self.name.clone() }),
                Read::Said => return Some(self.given(line)),
                Read::Confirmed => {
                    self.say("  comment (Enter for none): ");
                    return Some(self.given(self.line(typed).await?));
                }
                // What follows the word may be a comment, or the very opposite: `data is not back yet`.
                Read::Commented(comment) => {
                    self.say(&format!("  Enter to go on with the comment `{comment}`, or `no`: "));
                    if self.line(typed).await?.is_empty() {
                        return Some(self.given(comment));
                    }
                    return Some(Answer::Refused { by: self.name.clone() });
                }
                Read::Chosen => {
                    self.say("  reason: ");
                    let reason = self.line(typed).await?;
                    if read(question, &format!("{line} {reason}")) == Read::Said {
                        return Some(self.given(format!("{line} {reason}")));
                    }
                    self.say(&report::again(question));
                }
                Read::Mistyped => self.say(&report::again(question)),
            }
        }
        Some(Answer::Refused { by: self.name.clone() })
    }

    fn given(&self, comment: String) -> Answer {
        Answer::Given {
            by: self.name.clone(),
            comment,
        }
    }
}

#[async_trait]
impl Person for AtTerminal {
    fn is_there(&self) -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    async fn ask(&self, question: &Question) -> Option<Answer> {
        let mut typed = self.typed.lock().await;
        let typed = typed.get_or_insert_with(reader);
        // What was typed before the question was asked is no answer to it, such as an Enter out of impatience.
        let _ = rustix::termios::tcflush(std::io::stdin(), rustix::termios::QueueSelector::IFlush);
        while typed.try_recv().is_ok() {}
        self.say(&report::question(question, Ui::style()));
        self.answer(question, typed).await
    }
}

/// What a line means as an answer.
#[derive(Debug, PartialEq, Eq)]
enum Read {
    No,
    Said,
    Confirmed,
    /// Confirmed, with this beside it on the same line.
    Commented(String),
    /// One of the choices, without its reason.
    Chosen,
    Mistyped,
}

fn read(question: &Question, line: &str) -> Read {
    let is_choice = |line: &str| {
        let told = line.split_once(' ');
        told.is_some_and(|(word, reason)| {
            question.choices.iter().any(|choice| choice == word) && !reason.trim().is_empty()
        })
    };
    match &question.confirm {
        // The word itself goes first: a runbook may ask for an odd one.
        Some(word) if line == word.trim() => Read::Confirmed,
        Some(word) if commented(word.trim(), line).is_some() => {
            Read::Commented(commented(word.trim(), line).unwrap_or_default().to_owned())
        }
        _ if line.is_empty() || line.eq_ignore_ascii_case("no") || line.eq_ignore_ascii_case("n") => Read::No,
        None if question.choices.is_empty() || is_choice(line) => Read::Said,
        None if question.choices.iter().any(|choice| choice == line) => Read::Chosen,
        _ => Read::Mistyped,
    }
}

/// Returns the comment that follows the word on its line.
fn commented<'line>(word: &str, line: &'line str) -> Option<&'line str> {
    let comment = line.strip_prefix(word).filter(|_| !word.is_empty())?;
    comment.starts_with(char::is_whitespace).then(|| comment.trim())
}

/// Starts the thread that reads lines. It waits in a call that cannot be cancelled, and ends with the process.
fn reader() -> UnboundedReceiver<String> {
    let (sender, typed) = unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            if line.is_ok_and(|line| sender.send(line).is_ok()) {
                continue;
            }
            break;
        }
    });
    typed
}

/// A line that is waited for. Ends the line on the screen when nobody waits for it any more.
struct Waiting(bool);

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.0 {
            Ui::plain(&Redactor::default(), "\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_word_confirms_and_nothing_typed_is_a_no() {
        let asked = Question {
            confirm: Some("data".into()),
            ..Question::default()
        };
        for (line, means) in [
            ("data", Read::Confirmed),
            ("Data", Read::Mistyped),
            ("data ok", Read::Commented("ok".into())),
            ("data   seen by Ann", Read::Commented("seen by Ann".into())),
            ("database ok", Read::Mistyped),
            ("yes", Read::Mistyped),
            ("", Read::No),
            ("no", Read::No),
            ("NO", Read::No),
        ] {
            assert_eq!(read(&asked, line), means, "{line:?}");
        }
    }

    #[test]
    fn words_are_an_answer_and_a_choice_needs_its_reason() {
        let asked = Question::default();
        assert_eq!(read(&asked, "power is off"), Read::Said);
        assert_eq!(read(&asked, ""), Read::No);
        let choice = Question {
            choices: vec!["was-done".into(), "do-again".into()],
            ..Question::default()
        };
        for (line, means) in [
            ("was-done seen in the log", Read::Said),
            ("was-done", Read::Chosen),
            ("was-done  ", Read::Mistyped),
            ("perhaps it was", Read::Mistyped),
            ("no", Read::No),
        ] {
            assert_eq!(read(&choice, line), means, "{line:?}");
        }
    }

    /// Types these lines at a question, and returns what came of it: the comment, or nothing where it was refused.
    async fn said(question: &Question, lines: &[&str]) -> Option<String> {
        let (sender, mut typed) = unbounded_channel();
        for line in lines {
            sender.send((*line).to_owned()).unwrap();
        }
        drop(sender);
        let terminal = AtTerminal::new(&Redactor::default());
        match terminal.answer(question, &mut typed).await {
            Some(Answer::Given { comment, .. }) => Some(comment),
            Some(Answer::Refused { .. }) | None => None,
        }
    }

    #[tokio::test]
    async fn a_comment_or_a_reason_may_stand_on_the_same_line_or_on_the_next() {
        let asked = Question {
            confirm: Some("restored".into()),
            ..Question::default()
        };
        let choice = Question {
            choices: vec!["was-done".into(), "do-again".into()],
            ..Question::default()
        };
        for (question, lines, comment) in [
            (&asked, &["restored", "seen by Ann"][..], Some("seen by Ann")),
            (&asked, &["restored seen by Ann", ""][..], Some("seen by Ann")),
            // It was the opposite.
            (&asked, &["restored is nothing yet", "no"][..], None),
            (&asked, &["restored", ""][..], Some("")),
            (
                &choice,
                &["was-done seen in the log"][..],
                Some("was-done seen in the log"),
            ),
            (
                &choice,
                &["do-again", "the disk was lost"][..],
                Some("do-again the disk was lost"),
            ),
            (&choice, &["do-again", "", "was-done seen"][..], Some("was-done seen")),
        ] {
            assert_eq!(said(question, lines).await.as_deref(), comment, "{lines:?}");
        }
    }
}
