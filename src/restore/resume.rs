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
        human_ms: earlier.human_ms(),
        left_to_do: earlier.lasting.clone(),
    })
}

/// What the journals of this machine tell of the run to go on with.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Here {
    /// There is none.
    Nothing,
    /// All that was written down of it.
    Known(Box<RunState>),
    /// This one is it, or may be, and its journal does not tell what it did.
    Untold {
        /// Its name.
        run: String,
        /// Why.
        why: Failure,
    },
}

/// Returns an earlier run of this runbook from the journals of this machine: the run of that name or, without a name, the newest
/// that changed anything. This very run has a journal too by now.
pub(super) fn find(journals: &Path, name: &str, runbook: &str) -> Result<Here, Failure> {
    let found = if name.is_empty() {
        newest(journals, runbook)
    } else {
        match journal::find(journals, Some(name)) {
            Ok(path) => read(&path),
            Err(journal::Error::NoSuchRun(..)) => Here::Nothing,
            Err(error) => Here::Untold {
                run: name.to_owned(),
                why: unreadable(&error),
            },
        }
    };
    let Here::Known(state) = &found else {
        return Ok(found);
    };
    if state.runbook != runbook {
        return Err(Failure::new(format!(
            "the run to go on with is of runbook {}, not {runbook}",
            state.runbook
        ))
        .hint("name a run of this runbook, or none: --resume takes the newest"));
    }
    // It was refused, perhaps because the cluster was the wrong one: that must not open the way onto it.
    if !may_have_touched(state) {
        let why = Failure::new("the run to go on with has changed nothing, so nothing is to be gone on with");
        // Or the disk of its journal was full from some moment on.
        return match &state.finished {
            None => Ok(Here::Untold { run: name.into(), why }),
            Some(_) => Err(why.hint("run without --resume")),
        };
    }
    let run = state.run.as_ref().map(ToString::to_string).unwrap_or_default();
    if journal::is_being_written(&journals.join(format!("{run}.jsonl"))) == Some(true) {
        return Err(
            Failure::new("the run to go on with is still going on, in another process of this machine")
                .hint("let it end, or stop it with Ctrl-C first"),
        );
    }
    Ok(found)
}

/// Chooses between what this machine knows and what the cluster tells of its newest run: the newer one, and of one run the one
/// that knows more. A run that was gone on with elsewhere is not the one to go on with any more. `name` is empty where the
/// newest is asked for.
pub(super) fn choose(
    name: &str,
    here: Here,
    there: Option<&Result<Found, Failure>>,
    runbook: &str,
) -> Result<Chosen, Failure> {
    let there = match there {
        // It may be of a newer run than the one that is known here.
        Some(Err(failure)) => return Err(failure.clone()),
        Some(Ok(found)) => Some(found).filter(|found| may_have_touched(&found.state)),
        None => None,
    };
    unless_foreign(&here, there, runbook)?;
    let there = there.filter(|found| found.state.runbook == runbook);
    let chosen = match (here, there) {
        (Here::Known(here), Some(there)) if there.state.run > here.run => newer(name, there)?,
        // The disk of the journal was full from then on.
        (Here::Known(here), Some(there)) if there.state.run == here.run && there.state.seq > here.seq => {
            Chosen::of(there)
        }
        (Here::Known(state), _) => Chosen {
            state: *state,
            by: None,
        },
        (Here::Untold { run, .. }, Some(there)) if there.state.run.as_ref().is_some_and(|there| there.0 >= run) => {
            newer(name, there)?
        }
        // To take an older run in its place would be a guess.
        (Here::Untold { run, why }, _) => {
            return Err(why.hint(format!(
                "the cluster has no record of the run {run} or a newer one: name another with --resume=RUN, or run without it"
            )));
        }
        (Here::Nothing, Some(there))
            if name.is_empty() || there.state.run.as_ref().is_some_and(|run| run.0 == name) =>
        {
            Chosen::of(there)
        }
        (Here::Nothing, Some(there)) => {
            let newest = run_of(there);
            return Err(Failure::new(format!(
                "there is no journal of the run {name} here, and the cluster's record is of {newest}, by {}",
                there.by
            ))
            .hint(format!("to go on with that: --resume={newest}"))
            .hint("or name the folder of the journals with --state"));
        }
        (Here::Nothing, None) => {
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
    told_in_our_words(&chosen.state)?;
    if matches!(chosen.state.finished, Some((RunOutcome::Recovered, _))) && !leaves_a_cluster(&chosen.state) {
        // The platform lives; whatever was changed on it since is not for a resume to take back.
        return Err(
            Failure::new("the run to go on with has recovered, so nothing is to be gone on with")
                .hint("to take the platform over as it is, say so: `target: {expect: adopt}`"),
        );
    }
    Ok(chosen)
}

/// Refuses to go on with a run after which another runbook has changed the cluster: what was known of it is not so any more.
fn unless_foreign(here: &Here, there: Option<&Found>, runbook: &str) -> Result<(), Failure> {
    let ours = match here {
        Here::Nothing => return Ok(()),
        Here::Known(state) => state.run.as_ref().map(ToString::to_string).unwrap_or_default(),
        Here::Untold { run, .. } => run.clone(),
    };
    match there.map(|found| (found, run_of(found))) {
        Some((found, newer)) if found.state.runbook != runbook && newer > ours => Err(Failure::new(format!(
            "after the run {ours} there was another on this cluster, of the runbook {}: {newer} of {}",
            found.state.runbook, found.by
        ))
        .hint(format!(
            "see what that run changed; it is gone on with by its own runbook: --resume={newer}"
        ))
        .hint("to take the cluster over as it is, run without --resume and say so: `target: {expect: adopt}`")),
        _ => Ok(()),
    }
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

/// Takes the cluster's record, which is of the run that is known here or of a newer one; not in the place of a run that was named.
fn newer(name: &str, there: &Found) -> Result<Chosen, Failure> {
    let newest = run_of(there);
    if name.is_empty() || name == newest {
        return Ok(Chosen::of(there));
    }
    Err(Failure::new(format!(
        "after the run {name} there was another on this cluster: {newest} of {}",
        there.by
    ))
    .hint(format!("go on with that: --resume={newest}")))
}

fn run_of(found: &Found) -> String {
    found.state.run.as_ref().map(ToString::to_string).unwrap_or_default()
}

fn newest(journals: &Path, runbook: &str) -> Here {
    for path in journal::newest_first(journals) {
        match read(&path) {
            Here::Known(state) if state.runbook != runbook || !may_have_touched(&state) => {}
            // One that cannot be read may be the very run.
            found => return found,
        }
    }
    Here::Nothing
}

pub(super) fn read(path: &Path) -> Here {
    match journal::read(path) {
        Ok(events) => Here::Known(Box::new(RunState::of(&events))),
        Err(error) => Here::Untold {
            run: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            why: unreadable(&error),
        },
    }
}

fn unreadable(error: &journal::Error) -> Failure {
    Failure::of(error).within("the run to go on with cannot be read")
}

/// Whether a step that may change anything has begun, or a newer program wrote of one what this one cannot read.
pub(super) fn may_have_touched(state: &RunState) -> bool {
    state.touched() || state.unknown_steps > 0
}

/// Refuses what a newer program wrote of steps.
fn told_in_our_words(state: &RunState) -> Result<(), Failure> {
    if state.unknown_steps == 0 {
        return Ok(());
    }
    Err(Failure::new(
        "a newer gitops-dr wrote of steps in words that this one does not know, so what was done cannot be told",
    )
    .hint("go on with the gitops-dr that began the run"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::engine::journal::Journal;
    use crate::event::{Body, Effect, Event, RunId, Step};
    use crate::restore::told;

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
        told::events(told::begun(name, runbook, uid, &[("one", effect)]))
    }

    #[test]
    fn without_a_name_the_newest_run_of_the_runbook_that_changed_anything_is_gone_on_with() {
        let folder = tempfile::tempdir().unwrap();
        let of = |name: &str| find(folder.path(), name, "shop");
        let uid = |name: &str| match of(name).unwrap() {
            Here::Known(state) => state.cluster.unwrap().uid,
            other => panic!("{other:?}"),
        };
        assert_eq!(of(""), Ok(Here::Nothing));
        ran(folder.path(), "01A", "shop", "older", Effect::Repeatable);
        ran(folder.path(), "01B", "shop", "newer", Effect::Once);
        ran(folder.path(), "01C", "shop", "refused", Effect::Reads);
        ran(folder.path(), "01D", "other", "foreign", Effect::Once);
        // The run that asks has a journal too, in which nothing is written yet.
        let _own = Journal::create(folder.path(), &RunId("01E".into())).unwrap();
        assert_eq!(uid(""), "newer");
        assert_eq!(uid("01A"), "older");
        assert!(of("01D").unwrap_err().message.contains("is of runbook other, not shop"));
        match of("01C").unwrap() {
            Here::Untold { why, .. } => assert!(why.message.contains("has changed nothing")),
            other => panic!("{other:?}"),
        }
        std::fs::write(folder.path().join("01D.jsonl"), "").unwrap();
        assert!(matches!(of("").unwrap(), Here::Untold { run, .. } if run == "01D"));
        assert_eq!(of("01X"), Ok(Here::Nothing));
    }

    #[test]
    fn of_what_this_machine_and_the_cluster_know_the_newer_run_is_gone_on_with() {
        let here = |run: &str| Here::Known(Box::new(RunState::of(&events(run, "shop", "here", Effect::Once))));
        let there = |run: &str| Some(found(run, "shop", true, None));
        let nothing = || Here::Nothing;
        let unreadable = |run: &str| Here::Untold {
            run: run.into(),
            why: Failure::new("it is broken"),
        };
        let mut knows_more = found("01B", "shop", true, None);
        knows_more.state.seq += 1;
        let untouched = Some(found("01C", "shop", false, None));
        let foreign = Some(found("01C", "other", true, None));
        let failed = Some(found("01C", "shop", true, Some(RunOutcome::Failed)));
        let recovered = Some(found("01C", "shop", true, Some(RunOutcome::Recovered)));
        for (name, here, there, expected) in vec![
            ("", here("01A"), None, Ok(("01A", "here"))),
            ("", here("01B"), there("01A"), Ok(("01B", "here"))),
            // The journal knows more than the record of the same run.
            ("", here("01B"), there("01B"), Ok(("01B", "here"))),
            // But where the disk was full from some moment on.
            ("", here("01B"), Some(knows_more.clone()), Ok(("01B", "there"))),
            ("01B", here("01B"), Some(knows_more), Ok(("01B", "there"))),
            ("", here("01A"), there("01B"), Ok(("01B", "there"))),
            ("", unreadable("01B"), there("01B"), Ok(("01B", "there"))),
            ("", unreadable("01A"), there("01B"), Ok(("01B", "there"))),
            ("01B", unreadable("01B"), there("01B"), Ok(("01B", "there"))),
            ("01A", unreadable("01A"), there("01B"), Err("--resume=01B")),
            ("", unreadable("01C"), there("01B"), Err("no record of the run 01C")),
            ("01C", unreadable("01C"), None, Err("no record of the run 01C")),
            ("", nothing(), there("01B"), Ok(("01B", "there"))),
            ("", nothing(), failed, Ok(("01C", "there"))),
            ("01B", nothing(), there("01B"), Ok(("01B", "there"))),
            ("01A", here("01A"), None, Ok(("01A", "here"))),
            ("01A", here("01A"), there("01B"), Err("--resume=01B")),
            ("01A", nothing(), there("01B"), Err("--resume=01B")),
            ("", nothing(), None, Err("run without --resume")),
            ("", nothing(), untouched.clone(), Err("run without --resume")),
            ("", here("01A"), untouched, Ok(("01A", "here"))),
            ("", nothing(), foreign.clone(), Err("run without --resume")),
            // What another runbook has changed since is not known to this one.
            (
                "",
                here("01A"),
                foreign.clone(),
                Err("by its own runbook: --resume=01C"),
            ),
            (
                "01A",
                unreadable("01A"),
                foreign.clone(),
                Err("by its own runbook: --resume=01C"),
            ),
            ("", here("01D"), foreign, Ok(("01D", "here"))),
            ("", here("01A"), recovered, Err("expect: adopt")),
        ] {
            let case = format!("{name} {here:?} {there:?}");
            let chosen = choose(name, here, there.map(Ok).as_ref(), "shop");
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
    fn the_time_of_a_person_and_what_stays_to_be_done_by_hand_are_facts_of_the_recovery_and_not_of_one_run() {
        let mut bodies = vec![
            Body::Step(Step::Asked {
                id: "one".into(),
                question: crate::event::Question::default(),
            }),
            Body::Run(Run::LeftToDo {
                what: "make the tokens of CI anew".into(),
                lasting: true,
            }),
            Body::Run(Run::LeftToDo {
                what: "go on with --resume".into(),
                lasting: false,
            }),
        ];
        let said = |run: &str, more: Vec<Body>, elapsed_ms: u64| {
            let begun = told::begun(run, "shop", "here", &[("one", Effect::Repeatable)]);
            let first_more = begun.len();
            let mut events = told::events(begun.into_iter().chain(more));
            for event in &mut events[first_more..] {
                event.elapsed_ms = elapsed_ms;
            }
            let mut state = RunState::of(&events);
            state.elapsed_ms += 80_000;
            state
        };
        let later = Timestamp::UNIX_EPOCH + Duration::from_mins(5);
        let first = said("01A", std::mem::take(&mut bodies), 1_000);
        let second = goes_on(&first, later).unwrap();
        let second = said("01B", vec![Body::Run(second)], 0);
        assert_eq!(second.human_ms(), 80_000);
        assert_eq!(second.left_to_do, ["make the tokens of CI anew"]);
        // However often it is gone on with.
        let third = goes_on(&second, later).unwrap();
        let third = said("01C", vec![Body::Run(third)], 0);
        assert_eq!(third.human_ms(), 80_000);
        assert_eq!(third.left_to_do, ["make the tokens of CI anew"]);
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
        let mut there = found("01A", "shop", false, None);
        there.state.unknown_steps = 1;
        for (here, there) in [
            (find(folder.path(), "", "shop").unwrap(), None),
            (find(folder.path(), "01A", "shop").unwrap(), None),
            (Here::Nothing, Some(Ok(there))),
        ] {
            let failure = choose("", here, there.as_ref(), "shop").unwrap_err();
            let said = [failure.message, failure.causes.concat()].concat();
            assert!(said.contains("a newer gitops-dr wrote"), "{said}");
        }
        let broken = Err(Failure::new("the record cannot be read"));
        let here = find(folder.path(), "01A", "shop").unwrap();
        let failure = choose("01A", here, Some(&broken), "shop").unwrap_err();
        assert_eq!(failure.message, "the record cannot be read");
    }
}
