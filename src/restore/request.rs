//! What is asked for, and the runbook read from its file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::engine::Person;
use crate::event::Sink;
use crate::finding::Finding;
use crate::redact::Redactor;
use crate::runbook::{self, Revision, Runbook};
use crate::steps::Answers;

/// What a restore is asked for.
pub struct Request {
    /// The checked runbook.
    pub runbook: Runbook,
    /// Its file as the user named it.
    pub file: String,
    /// The kubeconfig file; the usual ones if not given.
    pub kubeconfig: Option<PathBuf>,
    /// The context, which goes before the runbook's.
    pub context: Option<String>,
    /// What the user gave beside the runbook and has to give again to go on.
    pub arguments: Vec<String>,
    /// Where journals are kept.
    pub journals: PathBuf,
    /// Where repositories are kept between runs.
    pub cache: PathBuf,
    /// How long the run may take, if the user set that.
    pub deadline: Option<Duration>,
    /// The earlier run that this one takes up: its name, or empty for the newest.
    pub resume: Option<String>,
    /// What the user says beforehand.
    pub answers: Answers,
    /// Who can be asked.
    pub person: Arc<dyn Person>,
    /// Who hears of events.
    pub sinks: Vec<Box<dyn Sink>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The net for secret values; shared with whoever prints.
    pub redactor: Redactor,
    /// Cancelled when the user wants it to end.
    pub interrupt: CancellationToken,
}

/// Why a runbook cannot be restored from.
#[derive(Debug)]
pub struct Unreadable {
    /// All that is wrong.
    pub findings: Vec<Finding>,
    /// The text of the runbook, for drawing frames; empty where it could not be read.
    pub text: String,
}

/// Reads a runbook, with revisions put over its own. Warnings come back beside it.
pub fn read(file: &Path, revisions: &[(String, String)]) -> Result<(Runbook, Vec<Finding>, String), Unreadable> {
    let name = file.display().to_string();
    // Anything else, such as a pipe, might never end.
    let is_odd = std::fs::metadata(file).is_ok_and(|metadata| !metadata.is_file());
    let text = if is_odd {
        Err(std::io::Error::other("it is not a file"))
    } else {
        std::fs::read_to_string(file)
    };
    let text = text.map_err(|error| Unreadable {
        findings: vec![
            Finding::error("runbook/unreadable", format!("{name}: {error}")).help("name the runbook's file"),
        ],
        text: String::new(),
    })?;
    let (runbook, mut findings) = runbook::parse(&name, &text);
    let Some(mut runbook) = runbook else {
        return Err(Unreadable { findings, text });
    };
    for (source, revision) in revisions {
        match runbook.sources.get_mut(source) {
            Some(known) => (known.revision, known.is_chosen) = (Revision::of(revision), true),
            None => findings.push(
                Finding::error(
                    "runbook/unknown-source",
                    format!("--revision names the source `{source}`, which the runbook has not"),
                )
                .help(format!(
                    "it has: {}",
                    runbook.sources.keys().cloned().collect::<Vec<_>>().join(", ")
                )),
            ),
        }
    }
    if findings
        .iter()
        .any(|finding| finding.severity == crate::finding::Severity::Error)
    {
        return Err(Unreadable { findings, text });
    }
    Ok((runbook, findings, text))
}
