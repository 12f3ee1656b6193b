//! Runs cases of what is refused, and collects what is not as it should be.

use std::path::{Path, PathBuf};

use testbed::Ran;

use super::super::scene::Scene;

/// A runbook with one passage put in place of another, and what is then said.
pub(super) struct Case {
    pub(super) name: &'static str,
    from: &'static str,
    to: String,
    arguments: Vec<String>,
    words: Vec<String>,
}

pub(super) fn case(name: &'static str, from: &'static str, to: impl Into<String>, words: &[&str]) -> Case {
    let words = words.iter().map(|word| (*word).to_owned()).collect();
    Case {
        name,
        from,
        to: to.into(),
        arguments: Vec::new(),
        words,
    }
}

pub(super) fn with(name: &'static str, arguments: &[&str], words: &[&str]) -> Case {
    let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    Case {
        arguments,
        ..case(name, "", "", words)
    }
}

impl Case {
    /// The same with more arguments.
    pub(super) fn given(mut self, arguments: &[&str]) -> Self {
        self.arguments
            .extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }
}

/// Collects what is not as it should be, so that one run tells everything.
#[derive(Default)]
pub(super) struct Judge {
    complaints: Vec<String>,
}

impl Judge {
    pub(super) fn that(&mut self, holds: bool, complaint: impl FnOnce() -> String) {
        if !holds {
            self.complaints.push(complaint());
        }
    }

    pub(super) async fn refused(&mut self, scene: &Scene, case: &Case) {
        // It answers none of them.
        let arguments: Vec<&str> = case.arguments.iter().map(String::as_str).chain(["--yes"]).collect();
        let ran = scene
            .restore_with(|runbook| changed(runbook, case.from, &case.to), &arguments)
            .await;
        let words: Vec<&str> = case.words.iter().map(String::as_str).collect();
        self.look_at(case.name, scene.tool.journals().as_path(), &ran, &words);
    }

    /// The same with several passages changed.
    pub(super) async fn refused_all(
        &mut self,
        scene: &Scene,
        changes: &[(&str, &str)],
        (name, words): (&str, &[&str]),
        arguments: &[&str],
    ) {
        let ran = scene
            .restore_with(|runbook| all_changed(runbook, changes), arguments)
            .await;
        self.look_at(name, scene.tool.journals().as_path(), &ran, words);
    }

    pub(super) async fn refused_without(
        &mut self,
        scene: &Scene,
        changes: &[(&str, &str)],
        (name, words): (&str, &[&str]),
        absent: &str,
    ) {
        let ran = scene.restore_with(|runbook| all_changed(runbook, changes), &[]).await;
        self.look_at(name, scene.tool.journals().as_path(), &ran, words);
        self.that(!ran.said().contains(absent), || {
            format!("{name} says “{absent}”: {}", ran.said())
        });
    }

    fn look_at(&mut self, name: &str, journals: &Path, ran: &Ran, words: &[&str]) {
        let said = ran.said();
        self.that(ran.code == 2, || format!("{name}: exit code {}, not 2", ran.code));
        // Text is wrapped to the width of a page, so words are sought across line breaks.
        let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (out, err) = (flat(&ran.out), flat(&ran.err));
        for word in words {
            self.that(out.contains(word) || err.contains(word), || {
                format!("{name} does not say “{word}”:\n{said}")
            });
        }
        self.that(!said.contains("c4n4ry"), || format!("{name} shows a secret:\n{said}"));
        // A run that began is written down, and as refused.
        if ran.out.contains("journal") {
            let journal = newest(journals);
            self.that(journal.contains("\"outcome\":\"refused\""), || {
                format!("{name}: the journal says otherwise:\n{journal}")
            });
            self.that(!journal.contains("c4n4ry"), || {
                format!("{name}: the journal holds a secret:\n{journal}")
            });
        }
    }

    pub(super) fn verdict(&self) {
        assert!(
            self.complaints.is_empty(),
            "{} complaints:\n{}",
            self.complaints.len(),
            self.complaints.join("\n\n")
        );
    }
}

fn all_changed(runbook: &str, changes: &[(&str, &str)]) -> String {
    changes
        .iter()
        .fold(runbook.to_owned(), |text, (from, to)| changed(&text, from, to))
}

fn changed(runbook: &str, from: &str, to: &str) -> String {
    assert!(runbook.contains(from), "the runbook has no `{from}`");
    if from.is_empty() {
        runbook.to_owned()
    } else {
        runbook.replace(from, to)
    }
}

/// Returns the journal of the run that began last: names sort by time.
fn newest(journals: &Path) -> String {
    let mut files: Vec<PathBuf> = std::fs::read_dir(journals)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    std::fs::read_to_string(files.last().unwrap()).unwrap()
}
