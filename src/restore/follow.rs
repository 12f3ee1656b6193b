//! A run that begins anew on a cluster where a run of this runbook was before.

use std::path::Path;

use super::resume::{self, Here};
use crate::engine::journal;
use crate::event::{Begun, Exception, Failure, Run, RunOutcome, RunState};
use crate::runbook::{ExtraAction, Runbook};
use crate::steps::Found;

/// Returns what is to be known of the newest run of this runbook that may have changed the cluster `uid`, by its journal on this
/// machine or by its record there: what it began that must not be done twice must not be done by this run unasked, and its
/// time is part of the outage. Fails where that can be known to nobody.
pub(super) fn newest(
    journals: &Path,
    there: Option<&Result<Found, Failure>>,
    runbook: &Runbook,
    uid: &str,
) -> Result<Vec<Run>, Failure> {
    let once: Vec<String> = runbook
        .steps
        .iter()
        .filter(|step| matches!(&step.action, ExtraAction::Run(program) if !program.repeatable))
        .map(|step| format!("step/{}", step.id))
        .collect();
    let there = match there {
        Some(Err(failure)) if !once.is_empty() => {
            return Err(failure
                .clone()
                .within("whether a run before has begun what must not be done twice cannot be known"));
        }
        Some(Ok(found)) => Some(found).filter(|found| was_here(&found.state, runbook, uid)),
        _ => None,
    };
    let (here, unread) = of_this_machine(journals, runbook, uid);
    let there = there.map(|found| (found.state.clone(), Some(found.by.as_str())));
    let newest = [here.map(|state| (state, None)), there]
        .into_iter()
        .flatten()
        .max_by(|(one, _), (other, _)| (&one.run, one.seq).cmp(&(&other.run, other.seq)));
    let mut told = Vec::new();
    let known = newest.as_ref().and_then(|(state, _)| state.run.clone());
    if let Some(run) = unread.filter(|run| !once.is_empty() && known.is_none_or(|known| known.0 < *run)) {
        told.push(Run::Noticed {
            notice: format!(
                "The journal of run {run} cannot be read: if it was on this cluster, nobody knows here what it has begun."
            ),
        });
    }
    if let Some((state, by)) = newest {
        told.extend(of(&state, by, &once));
    }
    Ok(told)
}

/// Returns the newest run of this machine, and a newer one whose journal cannot be read.
fn of_this_machine(journals: &Path, runbook: &Runbook, uid: &str) -> (Option<RunState>, Option<String>) {
    let mut unread = None;
    for path in journal::newest_first(journals) {
        match resume::read(&path) {
            Here::Known(state) if was_here(&state, runbook, uid) => return (Some(*state), unread),
            Here::Untold { run, .. } => {
                unread.get_or_insert(run);
            }
            _ => {}
        }
    }
    (None, unread)
}

/// Whether a run of this runbook may have changed this cluster. A record may have come to a new cluster with a backup of the old
/// one, and a drill has its own.
fn was_here(state: &RunState, runbook: &Runbook, uid: &str) -> bool {
    let is_here = state.cluster.as_ref().is_none_or(|cluster| cluster.uid == uid);
    is_here && state.runbook == runbook.name && resume::may_have_touched(state)
}

fn of(state: &RunState, by: Option<&str>, once: &[String]) -> Vec<Run> {
    let Some(run) = state.run.clone() else {
        return Vec::new();
    };
    let has_recovered = state.recovered_by.is_some() || matches!(state.finished, Some((RunOutcome::Recovered, _)));
    let mut told = vec![Run::Follows {
        run: run.clone(),
        unfinished: !has_recovered,
        begun: begun(state, once),
    }];
    if !has_recovered {
        let since = began(state);
        let by = by.map(|by| format!(" of {by}")).unwrap_or_default();
        told.push(Run::Noticed {
            notice: format!(
                "Run {run}{by} began{since} on this cluster and did not recover; the clock of this run does not count it. \
                 To go on with it: --resume={run}."
            ),
        });
        told.push(Run::Excepted(Exception {
            subject: "recovery time".into(),
            what: format!("run {run} began{since} and did not recover; this clock does not count it"),
            reason: format!("a new run was begun, without --resume={run}"),
        }));
    }
    told
}

/// Returns what is known of the steps that must not be done twice. Of what a newer program wrote in words that this one does not
/// know, any of them may be.
fn begun(state: &RunState, once: &[String]) -> Vec<Begun> {
    let mut begun = state.begun();
    begun.retain(|begun| once.contains(&begun.id));
    if state.unknown_steps > 0 {
        let untold: Vec<_> = once
            .iter()
            .filter(|id| begun.iter().all(|begun| begun.id != **id))
            .cloned()
            .collect();
        begun.extend(untold.into_iter().map(|id| Begun {
            id,
            ended: None,
            by: None,
        }));
    }
    begun
}

/// Returns when the recovery began, as ` at TIME`.
fn began(state: &RunState) -> String {
    let before = std::time::Duration::from_millis(state.before_ms);
    let at = state.started_at.and_then(|at| at.checked_sub(before).ok());
    at.map(|at| format!(" at {at:.0}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::journal::Journal;
    use crate::event::{Body, Effect, Event, Outcome, RunId, Step};
    use crate::restore::told;

    fn runbook(program: &str) -> Runbook {
        let text = format!(
            "apiVersion: gitops-dr/v1\nkind: Runbook\nname: shop\ntarget: {{context: new, expect: adopt}}\n\
             sources:\n  platform: {{git: \"https://git.example.com/p.git\", revision: main}}\n\
             agent: {{argocd: {{from: {{source: platform, path: argocd}}}}}}\n\
             roots:\n  - {{id: apps, source: platform, path: apps}}\n\
             steps:\n  - {{id: data, after: apps, run: {{command: [/bin/sh]{program}}}}}\n"
        );
        let (runbook, findings) = crate::runbook::parse("shop.yaml", &text);
        runbook.unwrap_or_else(|| panic!("{findings:?}"))
    }

    /// The events of a run that began the step `data` on a cluster, and how the step and the run ended.
    fn events(run: &str, runbook: &str, uid: &str, done: bool, outcome: Option<RunOutcome>) -> Vec<Event> {
        let steps = [("ground", Effect::Repeatable), ("step/data", Effect::Once)];
        let mut bodies = told::begun(run, runbook, uid, &steps);
        bodies.extend(done.then(|| {
            let outcome = Outcome::Done { detail: String::new() };
            Body::Step(Step::Finished {
                id: "step/data".into(),
                outcome,
            })
        }));
        bodies.extend(outcome.map(|outcome| Body::Run(Run::Finished { outcome, failure: None })));
        told::events(bodies)
    }

    fn found(events: &[Event]) -> Found {
        Found {
            state: RunState::of(events),
            by: "ann@desk".into(),
        }
    }

    /// What a run that begins anew then knows.
    fn state(told: Vec<Run>) -> RunState {
        RunState::of(&told::events(told.into_iter().map(Body::Run)))
    }

    #[test]
    fn what_was_begun_on_this_cluster_is_known_to_a_run_that_begins_anew_and_of_another_cluster_not() {
        use RunOutcome::{Failed, Recovered};
        for (name, uid, done, outcome, is_known) in [
            ("shop", "here", false, None, true),
            ("shop", "here", false, Some(Failed), true),
            ("shop", "here", true, Some(Recovered), true),
            // A drill has a cluster of its own; and a record may have come with a backup.
            ("shop", "there", false, None, false),
            ("other", "here", false, None, false),
        ] {
            let case = format!("{name} {uid} {done} {outcome:?}");
            let earlier = events("01A", name, uid, done, outcome);
            let (empty, journals) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let mut journal = Journal::create(journals.path(), &RunId("01A".into())).unwrap();
            for event in &earlier {
                journal.append(event).unwrap();
            }
            drop(journal);
            let record = Some(Ok(found(&earlier)));
            for (folder, there) in [
                (&empty, record.as_ref()),
                (&journals, None),
                (&journals, record.as_ref()),
            ] {
                let told = newest(folder.path(), there, &runbook(""), "here").unwrap();
                let state = state(told);
                let begun = state.begun_before("step/data");
                assert_eq!(begun.is_some(), is_known, "{case}");
                assert_eq!(begun.is_some_and(Begun::did_its_work), is_known && done, "{case}");
                assert!(
                    !begun.is_some_and(Begun::is_done),
                    "{case}: it stands for the other run only"
                );
                let unfinished = is_known && outcome != Some(Recovered);
                assert_eq!(state.unfinished.is_some(), unfinished, "{case}");
                assert_eq!(
                    (state.notices.len(), state.exceptions.len()),
                    (usize::from(unfinished), usize::from(unfinished)),
                    "{case}"
                );
                // What may be repeated is.
                assert!(state.begun_before("ground").is_none(), "{case}");
            }
        }
    }

    #[test]
    fn the_newest_run_tells_and_hands_on_what_those_before_it_had_begun() {
        let folder = tempfile::tempdir().unwrap();
        let of = |record: Option<Result<Found, Failure>>| {
            state(newest(folder.path(), record.as_ref(), &runbook(""), "here").unwrap())
        };
        let first = events("01A", "shop", "here", false, None);
        // One that began anew, was told nothing of the step, and was cut off before it.
        let mut second = of(Some(Ok(found(&first))));
        second.run = Some(RunId("01B".into()));
        second.runbook = "shop".into();
        second.unknown_steps = 1;
        let third = of(Some(Ok(Found {
            state: second,
            by: String::new(),
        })));
        let begun = third.begun_before("step/data").unwrap();
        assert_eq!(begun.by, Some(RunId("01A".into())));
        // And of one that a person vouched for it is said as well.
        let mut told = events("01B", "shop", "here", false, None);
        told.truncate(3);
        let mut told = RunState::of(&told);
        told.before = vec![Begun {
            id: "step/data".into(),
            ended: Some(Outcome::Done { detail: String::new() }),
            by: None,
        }];
        let begun = of(Some(Ok(Found {
            state: told,
            by: String::new(),
        })));
        assert!(begun.begun_before("step/data").unwrap().did_its_work());
    }

    #[test]
    fn a_record_that_cannot_be_read_refuses_who_would_do_something_that_must_not_be_done_twice() {
        let folder = tempfile::tempdir().unwrap();
        let broken = Some(Err(Failure::new("the record cannot be read").hint("move it away")));
        let refused = newest(folder.path(), broken.as_ref(), &runbook(""), "here").unwrap_err();
        assert_eq!(refused.hints, ["move it away"]);
        let repeatable = runbook(", repeatable: true");
        assert_eq!(
            newest(folder.path(), broken.as_ref(), &repeatable, "here"),
            Ok(Vec::new())
        );
        // Of what a newer program did not all is known.
        let mut odd = events("01A", "shop", "here", true, None);
        odd.truncate(3);
        let mut odd = RunState::of(&odd);
        odd.unknown_steps = 1;
        let odd = Some(Ok(Found {
            state: odd,
            by: String::new(),
        }));
        let known = state(newest(folder.path(), odd.as_ref(), &runbook(""), "here").unwrap());
        assert!(known.begun_before("step/data").is_some());
    }
}
