//! Whether all is answered that a run cannot know, looked at before anything is touched.

use std::collections::BTreeSet;

use crate::event::{Begun, Failure, Run, RunId, RunState};
use crate::exec::Exec;
use crate::runbook::{ClusterState, ExtraAction, ExtraStep, Program, Runbook};
use crate::steps::{Answers, bare};

/// What it is called when programs cannot be run.
const LACKING: &str = "a program of the runbook cannot be run as it is";
/// What it is called when the run would stop to ask and nobody is there.
const UNANSWERED: &str = "nobody is at a terminal to answer, and the run would stop for it";

/// Refuses answers to what nobody asks: a mistyped name must not pass for an answer.
pub(super) fn known(runbook: &Runbook, answers: &Answers) -> Result<(), Failure> {
    let steps = |wanted: fn(&ExtraAction) -> bool| -> BTreeSet<String> {
        let steps = runbook.steps.iter().filter(|step| wanted(&step.action));
        steps.map(|step| step.id.clone()).collect()
    };
    let programs = steps(|action| matches!(action, ExtraAction::Run(_)));
    let mut approvals = steps(|action| matches!(action, ExtraAction::Approve(_)));
    let survivors = runbook.clusters.iter();
    let survivors = survivors.filter(|(_, cluster)| cluster.state == ClusterState::Survives);
    approvals.extend(survivors.map(|(name, _)| format!("cluster/{name}")));
    let mut appliers = steps(|action| matches!(action, ExtraAction::Apply(_)));
    appliers.extend(runbook.roots.iter().map(|root| format!("root/{}", root.id)));
    appliers.extend(["ground", "credentials", "agent"].map(str::to_owned));
    let mut causes = Vec::new();
    for (flag, given, ids) in [
        ("--approve", &answers.approve, &approvals),
        ("--was-done", &answers.was_done, &programs),
        ("--do-again", &answers.do_again, &programs),
        ("--force-conflicts", &answers.force, &appliers),
    ] {
        let is_known = |id: &str| ids.contains(bare(id)) || ids.contains(&format!("root/{id}"));
        for id in given.keys().filter(|id| !is_known(id)) {
            let ids = ids.iter().cloned().collect::<Vec<_>>().join(", ");
            causes.push(if ids.is_empty() {
                format!("{flag} {id}: the runbook has nothing that {flag} could name")
            } else {
                format!("{flag} {id}: the runbook has no such step or cluster; {flag} can name: {ids}")
            });
        }
    }
    for id in answers.was_done.keys().filter(|id| answers.wants_again(id).is_some()) {
        causes.push(format!("{id} was either done or is to be done again, not both"));
    }
    refusal("the answers do not fit the runbook", causes)
}

/// Refuses words on what became of steps that nobody ever began: such a step would pass for done without having been done.
/// `state` is what is known of this run, and `earlier` of the one that it goes on with.
pub(super) fn unbegun(answers: &Answers, state: &RunState, earlier: Option<&RunState>) -> Result<(), Failure> {
    let is_known = |id: &str| {
        // A run that was told the same, and was cut off before the step.
        let was_told = |what: &str| what.split_once(' ').is_some_and(|(_, told)| told == id);
        state.begun_before(id).is_some()
            || earlier.is_some_and(|earlier| earlier.vouched.iter().any(|(what, _)| was_told(what)))
    };
    let mut causes = Vec::new();
    for (word, given) in [(Run::WAS_DONE, &answers.was_done), (Run::DO_AGAIN, &answers.do_again)] {
        let unknown = given.keys().filter(|id| !is_known(&format!("step/{}", bare(id))));
        causes.extend(unknown.map(|id| format!("--{word} {id}: no run has begun it yet")));
    }
    let hint = match earlier {
        Some(_) => "leave the flag out: it is done when its turn comes",
        None => "leave the flag out, or go on with the run that began it: --resume",
    };
    refusal("what was done or is to be done again was never begun", causes).map_err(|failure| failure.hint(hint))
}

/// Refuses a run that nobody attends and that would stop in the middle to ask, and one whose programs lack something. All
/// that is missing is told at once. `state` is what is known of this run, which knows what was begun before.
pub(super) fn missing(
    runbook: &Runbook,
    answers: &Answers,
    state: &RunState,
    is_attended: bool,
) -> Result<(), Failure> {
    let mut unanswered = Vec::new();
    let mut lacking = Vec::new();
    for step in &runbook.steps {
        let id = format!("step/{}", step.id);
        let begun = state.begun_before(&id);
        if begun.is_some_and(Begun::is_done) || answers.says_done(&id).is_some() {
            continue;
        }
        match &step.action {
            ExtraAction::Approve(approval) if !is_attended && !answers.yes && answers.approves(&id).is_none() => {
                let words = format!("{}: {}", step.id, approval.prompt);
                unanswered.push(format!("{words} (--approve {}=COMMENT, or --yes)", step.id));
            }
            ExtraAction::Run(program) => {
                let is_open = begun.is_some() && !program.repeatable && answers.wants_again(&id).is_none();
                if is_open && !is_attended {
                    unanswered.push(unknown(step, begun, state.unfinished.as_ref()));
                }
                lacking.extend(lacks(step, program));
            }
            _ => {}
        }
    }
    let message = match (lacking.is_empty(), unanswered.is_empty()) {
        (false, false) => &format!("{LACKING}; and {UNANSWERED}"),
        (false, true) => LACKING,
        (true, _) => UNANSWERED,
    };
    let refused = refusal(message, [lacking, unanswered].concat());
    // Whether that is asked is known only when the old cluster was looked at, which is later.
    match &runbook.target.replaces {
        Some(replaces) if !is_attended && answers.fenced.is_none() => refused.map_err(|failure| {
            failure.hint(format!(
                "if the old cluster {} does not answer, the run asks next how it was fenced: --fenced REASON",
                replaces.server
            ))
        }),
        _ => refused,
    }
}

/// Returns what would keep this machine from running the programs of the runbook, for a plan, which is not refused for it.
pub(super) fn lacking(runbook: &Runbook) -> Vec<String> {
    let programs = runbook.steps.iter().filter_map(|step| match &step.action {
        ExtraAction::Run(program) => Some(lacks(step, program)),
        _ => None,
    });
    programs.flatten().collect()
}

/// Returns what a person says of steps that were begun before, as events.
pub(super) fn told(answers: &Answers) -> Vec<Run> {
    let told = |word, given: &std::collections::BTreeMap<String, String>| -> Vec<Run> {
        let given = given.iter();
        given
            .map(|(id, reason)| Run::told_of_step(word, &format!("step/{}", bare(id)), reason))
            .collect()
    };
    [
        told(Run::WAS_DONE, &answers.was_done),
        told(Run::DO_AGAIN, &answers.do_again),
    ]
    .concat()
}

fn unknown(step: &ExtraStep, begun: Option<&Begun>, unfinished: Option<&RunId>) -> String {
    let id = &step.id;
    let by = begun.and_then(|begun| begun.by.as_ref());
    let what = match by {
        Some(run) if begun.is_some_and(Begun::did_its_work) => format!("run {run} did it on this cluster"),
        Some(run) => format!("run {run} began it on this cluster and no good end is known"),
        None => "it was begun in a run before and no good end is known".to_owned(),
    };
    let instead = unfinished.filter(|_| by.is_some());
    let instead = instead.map(|run| format!("; or go on with that run: --resume={run}"));
    format!(
        "{id}: {what}, and it must not be done twice (see what it did: --was-done {id}=REASON or \
         --do-again {id}=REASON{})",
        instead.unwrap_or_default()
    )
}

fn lacks(step: &ExtraStep, program: &Program) -> Vec<String> {
    let unset = program.env.iter().filter(|name| std::env::var_os(name).is_none());
    let mut lacks: Vec<_> = unset
        .map(|name| {
            format!(
                "step {}: the variable {name} is not set: export it and run again",
                step.id
            )
        })
        .collect();
    if let Some(name) = program.command.first()
        && !name.contains('/')
        && !Exec::is_on_path(name)
    {
        lacks.push(format!("step {}: there is no program `{name}` on PATH", step.id));
    }
    lacks
}

fn refusal(message: &str, causes: Vec<String>) -> Result<(), Failure> {
    if causes.is_empty() {
        return Ok(());
    }
    let failure = Failure::new(message);
    Err(Failure { causes, ..failure })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_on_what_became_of_a_step_is_taken_only_where_a_run_has_begun_it() {
        let begun = RunState {
            before: vec![Begun {
                by: None,
                id: "step/data".into(),
                ended: None,
            }],
            ..RunState::default()
        };
        let none = RunState::default();
        let told = RunState {
            vouched: vec![("do-again step/data".into(), "the disk was lost".into())],
            ..RunState::default()
        };
        let words = |id: &str| std::collections::BTreeMap::from([(id.to_owned(), "seen".to_owned())]);
        for (state, earlier, id, is_taken) in [
            (&none, None, "data", false),
            (&none, Some(&none), "data", false),
            (&begun, Some(&none), "data", true),
            (&begun, Some(&none), "step/data", true),
            (&begun, Some(&none), "mail", false),
            // It was to be done again, which forgets what was known of it, and the run was cut off before.
            (&none, Some(&told), "data", true),
        ] {
            let was_done = Answers {
                was_done: words(id),
                ..Answers::default()
            };
            let do_again = Answers {
                do_again: words(id),
                ..Answers::default()
            };
            for answers in [was_done, do_again] {
                assert_eq!(unbegun(&answers, state, earlier).is_ok(), is_taken, "{id} {answers:?}");
            }
        }
        assert_eq!(unbegun(&Answers::default(), &none, None), Ok(()));
    }

    #[test]
    fn what_a_program_lacks_what_nobody_answered_and_what_will_be_asked_next_are_told_together() {
        let text = "apiVersion: gitops-dr/v1\nkind: Runbook\nname: shop\n\
             target: {context: new, replaces: {server: \"https://10.0.0.1:6443\"}}\n\
             sources:\n  platform: {git: \"https://git.example.com/p.git\", revision: main}\n\
             agent: {argocd: {from: {source: platform, path: argocd}}}\n\
             roots:\n  - {id: apps, source: platform, path: apps}\n\
             steps:\n  - {id: dump, after: apps, run: {command: [/bin/sh], env: [NOBODY_EVER_SETS_THIS]}}\n  \
             - {id: data, after: apps, approve: {prompt: \"Is the data back?\"}}\n";
        let (runbook, findings) = crate::runbook::parse("shop.yaml", text);
        let runbook = runbook.unwrap_or_else(|| panic!("{findings:?}"));
        let look = |answers: &Answers, attended| missing(&runbook, answers, &RunState::default(), attended);
        let refused = look(&Answers::default(), false).unwrap_err();
        assert!(refused.causes.concat().contains("NOBODY_EVER_SETS_THIS"), "{refused:?}");
        assert!(
            refused.causes.concat().contains("--approve data=COMMENT"),
            "{refused:?}"
        );
        assert!(refused.hints.concat().contains("--fenced REASON"), "{refused:?}");
        assert!(refused.message.contains("cannot be run") && refused.message.contains("nobody is at a terminal"));
        assert_eq!(lacking(&runbook).len(), 1);
        // At a terminal nothing but the variable stands in the way now.
        let attended = look(&Answers::default(), true).unwrap_err();
        assert_eq!((attended.causes.len(), attended.hints.len()), (1, 0), "{attended:?}");
        let known = known(
            &runbook,
            &Answers {
                approve: [("dat".into(), "seen".into())].into(),
                ..Answers::default()
            },
        );
        assert!(known.unwrap_err().causes.concat().ends_with("--approve can name: data"));
        let forced = |id: &str| {
            let force = [(id.to_owned(), "ours".to_owned())].into();
            super::known(
                &runbook,
                &Answers {
                    force,
                    ..Answers::default()
                },
            )
        };
        for id in ["apps", "root/apps", "agent"] {
            assert_eq!(forced(id), Ok(()), "{id}");
        }
        let unknown = forced("data").unwrap_err().causes.concat();
        assert!(
            unknown.ends_with("--force-conflicts can name: agent, credentials, ground, root/apps"),
            "{unknown}"
        );
    }
}
