//! What `restore` and `plan` have in common.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use console::Term;
use tokio_util::sync::CancellationToken;

use super::args::Book;
use super::error::Error;
use super::exit;
use super::folders::{folder, journals};
use super::ui::Ui;
use crate::clock::Clock;
use crate::engine::Nobody;
use crate::event::Sink;
use crate::finding::Finding;
use crate::report::{Json, Quiet, terminal};
use crate::restore::{self, Answers, Request};

/// Reads the runbook and fills in what `restore` and `plan` have in common. What it is warned of is for the caller to tell.
pub(super) fn request(
    ui: &Ui,
    book: &Book,
    interrupt: CancellationToken,
    clock: &Arc<dyn Clock>,
) -> Result<(Request, Warnings), Error> {
    let (runbook, warnings, text) = restore::read(&book.runbook, &book.revision).map_err(|unreadable| {
        ui.findings(&unreadable.findings, &book.runbook, &unreadable.text);
        let count = unreadable.findings.len();
        let many = if count == 1 { "finding" } else { "findings" };
        if !ui.is_json() {
            ui.err(&format!(
                "refused, nothing was changed: {count} {many} in {}\n",
                book.runbook.display()
            ));
        }
        Error::said(exit::REFUSED)
    })?;
    let warnings = Warnings {
        found: warnings,
        file: book.runbook.clone(),
        text,
    };
    let request = Request {
        runbook,
        file: book.runbook.display().to_string(),
        arguments: Vec::new(),
        kubeconfig: None,
        context: None,
        journals: journals(ui)?,
        cache: folder(book.cache.as_ref(), "XDG_CACHE_HOME", ".cache")?.join("sources"),
        deadline: None,
        resume: None,
        answers: Answers::default(),
        person: Arc::new(Nobody),
        sinks: Vec::new(),
        clock: Arc::clone(clock),
        redactor: ui.redactor.clone(),
        interrupt,
    };
    Ok((request, warnings))
}

/// What a runbook is warned of though it can be used.
pub(super) struct Warnings {
    /// The findings.
    pub(super) found: Vec<Finding>,
    file: PathBuf,
    text: String,
}

impl Warnings {
    /// Tells them, as findings are told.
    pub(super) fn tell(&self, ui: &Ui) {
        ui.findings(&self.found, &self.file, &self.text);
    }

    /// Draws them for people, also where machines read standard output.
    pub(super) fn draw(&self, ui: &Ui) {
        ui.drawn(&self.found, &self.file, &self.text);
    }
}

/// Returns who shows the run: a live view on a terminal, plain lines elsewhere, JSON for machines.
pub(super) fn sinks(ui: &Ui, clock: &Arc<dyn Clock>) -> Vec<Box<dyn Sink>> {
    if ui.is_json() {
        return vec![Box::new(Json::new(io::stdout()))];
    }
    if ui.looks.quiet {
        return vec![Box::new(Quiet::new(io::stderr(), Ui::style()))];
    }
    if Ui::is_live() {
        return vec![Box::new(terminal::Live::new(
            &Term::buffered_stderr(),
            Ui::style(),
            Arc::clone(clock),
        ))];
    }
    vec![Box::new(terminal::Lines::new(io::stderr()))]
}
