//! Going on with an earlier run.

use std::path::Path;

use jiff::Timestamp;

use crate::engine::journal;
use crate::event::{Failure, Outcome, Phase, Run, RunOutcome, RunState, StepStatus};
use crate::steps::Found;

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
        recovery_ms: earlier.stopped_at_ms(),
        recovered_by: match &earlier.finished {
            _ if earlier.recovered_by.is_some() => earlier.recovered_by.clone(),
            Some((RunOutcome::Recovered, _)) => Some(run.clone()),
            _ => None,
        },
    })
}

/// Returns an earlier run of this runbook from the journals of this machine: the run of that name or, without a name, the newest
/// that changed anything. `None` where this machine knows of none. This very run has a journal too by now.
pub(super) fn find(journals: &Path, name: &str, runbook: &str) -> Result<Option<RunState>, Failure> {
    let found = if name.is_empty() {
        newest(journals, runbook)?
    } else {
        match journal::find(journals, Some(name)) {
            Ok(path) => Some(read(&path).map_err(|failure| failure.within("the run to go on with cannot be read"))?),
            Err(journal::Error::NoSuchRun(..)) => None,
            Err(error) => return Err(Failure::of(&error).within("the run to go on with cannot be read")),
        }
    };
    match found {
        Some(state) if state.runbook != runbook => Err(Failure::new(format!(
            "the run to go on with is of runbook {}, not {runbook}",
            state.runbook
        ))
        .hint("name a run of this runbook, or none: --resume takes the newest")),
        // It was refused, perhaps because the cluster was the wrong one: that must not open the way onto it.
        Some(state) if !state.touched() => Err(Failure::new(
            "the run to go on with has changed nothing, so nothing is to be gone on with",
        )
        .hint("run without --resume")),
        found => Ok(found),
    }
}

/// Chooses between what this machine knows and what the cluster tells of its newest run: the newer one. A run that was gone
/// on with elsewhere is not the one to go on with any more. `name` is empty where the newest is asked for.
pub(super) fn choose(
    name: &str,
    here: Option<RunState>,
    there: Option<&Found>,
    runbook: &str,
) -> Result<Chosen, Failure> {
    let there = there.filter(|found| found.state.runbook == runbook && found.state.touched());
    let chosen = match (here, there) {
        (Some(here), Some(there)) if there.state.run > here.run => {
            if !name.is_empty() {
                let newer = there.state.run.as_ref().map(ToString::to_string).unwrap_or_default();
                return Err(Failure::new(format!(
                    "after the run {name} there was another on this cluster: {newer} of {}",
                    there.by
                ))
                .hint(format!("go on with that: --resume={newer}")));
            }
            Chosen::of(there)
        }
        (Some(state), _) => Chosen { state, by: None },
        (None, Some(there)) if name.is_empty() || there.state.run.as_ref().is_some_and(|run| run.0 == name) => {
            Chosen::of(there)
        }
        (None, Some(there)) => {
            let newest = there.state.run.as_ref().map(ToString::to_string).unwrap_or_default();
            return Err(Failure::new(format!(
                "there is no journal of the run {name} here, and the cluster's record is of {newest}, by {}",
                there.by
            ))
            .hint(format!("to go on with that: --resume={newest}"))
            .hint("or name the folder of the journals with --state"));
        }
        (None, None) => {
            let which = if name.is_empty() {
                format!("none of runbook {runbook} that changed anything")
            } else {
                format!("not {name}")
            };
            return Err(Failure::new(format!(
                "there is no run to go on with: {which}, neither in a journal here nor in a record on the cluster"
            ))
            .hint("run without --resume, or name the folder of the journals with --state"));
        }
    };
    if matches!(chosen.state.finished, Some((RunOutcome::Recovered, _))) && !leaves_a_cluster(&chosen.state) {
        // The platform lives; whatever was changed on it since is not for a resume to take back.
        return Err(
            Failure::new("the run to go on with has recovered, so nothing is to be gone on with")
                .hint("to take the platform over as it is, say so: `target: {expect: adopt}`"),
        );
    }
    Ok(chosen)
}

/// Whether a cluster that lives on was left unconnected: then that is what is gone on with.
fn leaves_a_cluster(state: &RunState) -> bool {
    let is_skipped = |status: &StepStatus| matches!(status, StepStatus::Finished(Outcome::Skipped { .. }));
    state
        .steps
        .iter()
        .any(|step| step.step.phase == Phase::Clusters && is_skipped(&step.status))
}

/// The run to go on with.
#[derive(Debug)]
pub(super) struct Chosen {
    /// All that is known of it.
    pub(super) state: RunState,
    /// Who ran it, where the cluster's record is all that is known.
    pub(super) by: Option<String>,
}

impl Chosen {
    fn of(found: &Found) -> Self {
        Self {
            state: found.state.clone(),
            by: Some(found.by.clone()),
        }
    }
}

fn newest(journals: &Path, runbook: &str) -> Result<Option<RunState>, Failure> {
    for path in journal::newest_first(journals) {
        // One that cannot be read may be the very run: to take an older one in its place would be a guess.
        let state = RunState::of(
            &journal::read(&path).map_err(|error| Failure::of(&error).hint("name the run: --resume=RUN"))?,
        );
        if state.runbook == runbook && state.touched() {
            return read(&path).map(Some);
        }
    }
    Ok(None)
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
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::engine::journal::Journal;
    use crate::event::{Body, Effect, Event, Phase, PlannedStep, RunId, Step};

    fn found(run: &str, runbook: &str, changed: bool, outcome: Option<RunOutcome>) -> Found {
        let effect = if changed { Effect::Repeatable } else { Effect::Reads };
        let mut state = RunState::of(&events(run, runbook, "there", effect));
        state.finished = outcome.map(|outcome| (outcome, None));
        Found {
            state,
            by: "ann@desk".into(),
        }
    }

    /// Writes the journal of a run on the cluster `uid` that got as far as a step with this effect.
    fn ran(folder: &Path, name: &str, runbook: &str, uid: &str, effect: Effect) {
        let mut journal = Journal::create(folder, &RunId(name.into())).unwrap();
        for event in events(name, runbook, uid, effect) {
            journal.append(&event).unwrap();
        }
    }

    fn events(name: &str, runbook: &str, uid: &str, effect: Effect) -> Vec<Event> {
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
        let bodies = [Body::Run(started), Body::Run(cluster), Body::Step(step)];
        let event = |(seq, body)| Event {
            seq,
            at: Timestamp::UNIX_EPOCH,
            elapsed_ms: 0,
            body,
        };
        (1..).zip(bodies).map(event).collect()
    }

    #[test]
    fn without_a_name_the_newest_run_of_the_runbook_that_changed_anything_is_gone_on_with() {
        let folder = tempfile::tempdir().unwrap();
        let of = |name: &str| find(folder.path(), name, "shop");
        let uid = |name: &str| of(name).unwrap().unwrap().cluster.unwrap().uid;
        assert_eq!(of(""), Ok(None));
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
        assert_eq!(of("01X"), Ok(None));
    }

    #[test]
    fn of_what_this_machine_and_the_cluster_know_the_newer_run_is_gone_on_with() {
        let here = |run: &str| Some(RunState::of(&events(run, "shop", "here", Effect::Once)));
        let there = |run: &str| Some(found(run, "shop", true, None));
        let untouched = Some(found("01C", "shop", false, None));
        let foreign = Some(found("01C", "other", true, None));
        let failed = Some(found("01C", "shop", true, Some(RunOutcome::Failed)));
        let recovered = Some(found("01C", "shop", true, Some(RunOutcome::Recovered)));
        for (name, here, there, expected) in vec![
            ("", here("01A"), None, Ok(("01A", "here"))),
            ("", here("01B"), there("01A"), Ok(("01B", "here"))),
            // The journal knows more than the record of the same run.
            ("", here("01B"), there("01B"), Ok(("01B", "here"))),
            ("", here("01A"), there("01B"), Ok(("01B", "there"))),
            ("", None, there("01B"), Ok(("01B", "there"))),
            ("", None, failed, Ok(("01C", "there"))),
            ("01B", None, there("01B"), Ok(("01B", "there"))),
            ("01A", here("01A"), None, Ok(("01A", "here"))),
            ("01A", here("01A"), there("01B"), Err("--resume=01B")),
            ("01A", None, there("01B"), Err("--resume=01B")),
            ("", None, None, Err("run without --resume")),
            ("", None, untouched.clone(), Err("run without --resume")),
            ("", here("01A"), untouched, Ok(("01A", "here"))),
            ("", None, foreign, Err("run without --resume")),
            ("", here("01A"), recovered, Err("expect: adopt")),
        ] {
            let case = format!("{name} {here:?} {there:?}");
            let chosen = choose(name, here, there.as_ref(), "shop");
            match (chosen, expected) {
                (Ok(chosen), Ok((run, uid))) => {
                    assert_eq!(chosen.state.run, Some(RunId(run.into())), "{case}");
                    assert_eq!(chosen.state.cluster.unwrap().uid, uid, "{case}");
                    assert_eq!(chosen.by.is_some(), uid == "there", "{case}");
                }
                (Err(failure), Err(hint)) => assert!(failure.hints.join(" ").contains(hint), "{case}: {failure:?}"),
                (chosen, expected) => panic!("{case}: {chosen:?}, not {expected:?}"),
            }
        }
    }

    #[test]
    fn after_a_run_that_recovered_its_clock_and_its_work_stand_however_often_it_is_gone_on_with() {
        let mut recovered = RunState::of(&events("01A", "shop", "here", Effect::Repeatable));
        (recovered.before_ms, recovered.elapsed_ms) = (5_000, 60_000);
        let later = Timestamp::UNIX_EPOCH + Duration::from_hours(48);
        let of = |state: &RunState| match goes_on(state, later).unwrap() {
            Run::GoesOn {
                recovery_ms,
                recovered_by,
                ..
            } => (recovery_ms, recovered_by.map(|run| run.0)),
            other => panic!("{other:?}"),
        };
        assert_eq!(of(&recovered), (None, None));
        // The critical apps were ready, and it was interrupted: the rest of its work is still to be done.
        recovered.recovered_ms = Some(40_000);
        assert_eq!(of(&recovered), (Some(45_000), None));
        recovered.finished = Some((RunOutcome::Recovered, None));
        assert_eq!(of(&recovered), (Some(45_000), Some("01A".into())));
        // One that went on with it and was interrupted.
        let mut next = RunState::of(&events("01B", "shop", "here", Effect::Repeatable));
        (next.recovered_before_ms, next.recovered_by) = (Some(45_000), Some(RunId("01A".into())));
        assert_eq!(of(&next), (Some(45_000), Some("01A".into())));
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
