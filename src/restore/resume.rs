//! Going on with an earlier run.

use std::path::Path;

use jiff::Timestamp;

use crate::engine::journal;
use crate::event::{Failure, Run, RunOutcome, RunState};

/// Says that this run, begun now, goes on with an earlier one. An outage does not end where a run was interrupted.
pub(super) fn goes_on(earlier: &RunState, now: Timestamp) -> Result<Run, Failure> {
    let (Some(run), Some(began), Some(_)) = (&earlier.run, earlier.started_at, &earlier.cluster) else {
        return Err(Failure::new("the run to go on with never reached a cluster").hint("run without --resume"));
    };
    let since = u64::try_from(now.duration_since(began).as_millis()).unwrap_or(0);
    Ok(Run::GoesOn {
        with: run.clone(),
        since_ms: earlier.before_ms + since,
        begun: earlier.begun(),
    })
}

/// Returns an earlier run of this runbook that is to be gone on with: the run of that name or, without a name, the newest
/// that changed anything. This very run has a journal too by now.
pub(super) fn find(journals: &Path, name: &str, runbook: &str) -> Result<RunState, Failure> {
    let state = if name.is_empty() {
        newest(journals, runbook)?
    } else {
        let unreadable = |error: &journal::Error| Failure::of(error).within("the run to go on with cannot be read");
        read(&journal::find(journals, Some(name)).map_err(|error| unreadable(&error))?)
            .map_err(|failure| failure.within("the run to go on with cannot be read"))?
    };
    if state.runbook != runbook {
        return Err(Failure::new(format!(
            "the run to go on with is of runbook {}, not {runbook}",
            state.runbook
        ))
        .hint("name a run of this runbook, or none: --resume takes the newest"));
    }
    if matches!(state.finished, Some((RunOutcome::Recovered, _))) {
        // The platform lives; whatever was changed on it since is not for a resume to take back.
        return Err(
            Failure::new("the run to go on with has recovered, so nothing is to be gone on with")
                .hint("to take the platform over as it is, say so: `target: {expect: adopt}`"),
        );
    }
    if !state.touched() {
        // It was refused, perhaps because the cluster was the wrong one: that must not open the way onto it.
        return Err(
            Failure::new("the run to go on with has changed nothing, so nothing is to be gone on with")
                .hint("run without --resume"),
        );
    }
    Ok(state)
}

fn newest(journals: &Path, runbook: &str) -> Result<RunState, Failure> {
    for path in journal::newest_first(journals) {
        // One that cannot be read may be the very run: to take an older one in its place would be a guess.
        let state = RunState::of(
            &journal::read(&path).map_err(|error| Failure::of(&error).hint("name the run: --resume=RUN"))?,
        );
        if state.runbook == runbook && state.touched() {
            return read(&path);
        }
    }
    let none = format!(
        "there is no run to go on with: none of runbook {runbook} in {} changed anything",
        journals.display()
    );
    Err(Failure::new(none).hint("run without --resume, or name the folder of the journals with --state"))
}

fn read(path: &Path) -> Result<RunState, Failure> {
    let state = RunState::of(&journal::read(path).map_err(|error| Failure::of(&error))?);
    if state.unknown_steps > 0 {
        return Err(Failure::new(
            "a newer gitops-dr wrote of steps in words that this one does not know, so what was done cannot be told",
        )
        .hint("go on with the gitops-dr that began the run"));
    }
    if journal::is_being_written(path) {
        return Err(
            Failure::new("the run to go on with is still going on, in another process of this machine")
                .hint("let it end, or stop it with Ctrl-C first"),
        );
    }
    Ok(state)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use jiff::Timestamp;

    use super::*;
    use crate::engine::journal::Journal;
    use crate::event::{Body, Effect, Event, Phase, PlannedStep, RunId, Step};

    /// Writes the journal of a run on the cluster `uid` that got as far as a step with this effect.
    fn ran(folder: &Path, name: &str, runbook: &str, uid: &str, effect: Effect) {
        let started = Run::Started {
            run: RunId(name.into()),
            runbook: runbook.into(),
            file: String::new(),
            program: String::new(),
            target_ms: None,
            arguments: Vec::new(),
        };
        let cluster = Run::Cluster {
            context: String::new(),
            server: String::new(),
            uid: uid.into(),
            version: String::new(),
            state: String::new(),
        };
        let step = Step::Started(PlannedStep {
            id: "one".into(),
            phase: Phase::Ground,
            title: String::new(),
            effect,
        });
        let mut journal = Journal::create(folder, &RunId(name.into())).unwrap();
        for (seq, body) in (1..).zip([Body::Run(started), Body::Run(cluster), Body::Step(step)]) {
            let at = Timestamp::UNIX_EPOCH;
            let elapsed_ms = 0;
            journal
                .append(&Event {
                    seq,
                    at,
                    elapsed_ms,
                    body,
                })
                .unwrap();
        }
    }

    #[test]
    fn without_a_name_the_newest_run_of_the_runbook_that_changed_anything_is_gone_on_with() {
        let folder = tempfile::tempdir().unwrap();
        let of = |name: &str| find(folder.path(), name, "shop");
        let uid = |name: &str| of(name).unwrap().cluster.unwrap().uid;
        assert!(of("").unwrap_err().message.starts_with("there is no run to go on with"));
        ran(folder.path(), "01A", "shop", "older", Effect::Repeatable);
        ran(folder.path(), "01B", "shop", "newer", Effect::Once);
        ran(folder.path(), "01C", "shop", "refused", Effect::Reads);
        ran(folder.path(), "01D", "other", "foreign", Effect::Once);
        // The run that asks has a journal too, in which nothing is written yet.
        let _own = Journal::create(folder.path(), &RunId("01E".into())).unwrap();
        assert_eq!(uid(""), "newer");
        assert_eq!(uid("01A"), "older");
        assert!(of("01D").unwrap_err().message.contains("is of runbook other, not shop"));
        assert!(of("01C").unwrap_err().message.contains("has changed nothing"));
        assert!(of("01X").is_err());
    }

    #[test]
    fn what_a_newer_program_said_of_a_step_is_not_guessed_at() {
        let folder = tempfile::tempdir().unwrap();
        ran(folder.path(), "01A", "shop", "uid", Effect::Once);
        let path = folder.path().join("01A.jsonl");
        let text = std::fs::read_to_string(&path).unwrap();
        let odd =
            r#"{"seq":4,"at":"1970-01-01T00:00:00Z","elapsed_ms":0,"family":"step","event":"postponed","id":"one"}"#;
        std::fs::write(&path, format!("{text}{odd}\n")).unwrap();
        for name in ["", "01A"] {
            let failure = find(folder.path(), name, "shop").unwrap_err();
            let said = [failure.message, failure.causes.concat()].concat();
            assert!(said.contains("a newer gitops-dr wrote"), "{said}");
        }
    }
}
