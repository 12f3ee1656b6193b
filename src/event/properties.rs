//! What holds for every sequence of events: of their JSON form and of their fold.

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,3}", ".{0,8}"]
}

/// Few names, so that events meet.
fn name() -> impl Strategy<Value = String> {
    "[ab]"
}

fn phase() -> impl Strategy<Value = Phase> {
    prop::sample::select(Phase::ALL.to_vec())
}

fn failure() -> impl Strategy<Value = Failure> {
    (text(), vec(text(), 0..3), vec(text(), 0..3)).prop_map(|(message, causes, hints)| Failure {
        message,
        causes,
        hints,
    })
}

fn question() -> impl Strategy<Value = Question> {
    let details = proptest::collection::vec(text(), 0..3);
    (text(), details, option::of(text()), option::of(any::<u64>()), text()).prop_map(
        |(prompt, details, confirm, timeout_ms, flag)| Question {
            choices: details.clone(),
            prompt,
            details,
            confirm,
            timeout_ms,
            flag,
        },
    )
}

fn planned() -> impl Strategy<Value = PlannedStep> {
    let effect = prop::sample::select(vec![Effect::Reads, Effect::Repeatable, Effect::Once]);
    (name(), phase(), text(), effect).prop_map(|(id, phase, title, effect)| PlannedStep {
        id,
        phase,
        title,
        effect,
    })
}

fn run() -> impl Strategy<Value = Run> {
    let outcome = prop::sample::select(vec![
        RunOutcome::Recovered,
        RunOutcome::Failed,
        RunOutcome::Refused,
        RunOutcome::DeadlinePassed,
        RunOutcome::Interrupted,
    ]);
    prop_oneof![
        (text(), text(), option::of(any::<u64>())).prop_map(|(run, text, target_ms)| Run::Started {
            run: RunId(run),
            runbook: text.clone(),
            file: text.clone(),
            arguments: vec![text.clone()],
            program: text,
            target_ms,
        }),
        text().prop_map(|why| Run::Unjournaled { why }),
        (text(), any::<u32>(), vec(begun(), 0..3)).prop_map(|(with, since_ms, begun)| Run::GoesOn {
            with: RunId(with),
            since_ms: since_ms.into(),
            recovery_ms: (!begun.is_empty()).then_some(u32::MAX.into()),
            recovered_by: (begun.len() == 2).then(|| RunId("01R".into())),
            human_ms: since_ms.into(),
            left_to_do: begun.iter().map(|begun| begun.id.clone()).collect(),
            begun,
        }),
        (text(), any::<bool>(), vec(begun(), 0..3)).prop_map(|(run, unfinished, begun)| Run::Follows {
            run: RunId(run),
            unfinished,
            begun,
        }),
        (text(), text()).prop_map(|(text, state)| Run::Cluster {
            context: text.clone(),
            server: text.clone(),
            uid: text.clone(),
            version: text,
            state,
        }),
        (
            text(),
            vec((text(), text()), 0..3),
            vec(planned(), 0..3),
            vec((text(), text()), 0..3)
        )
            .prop_map(|(digest, revisions, steps, covers)| Run::Planned {
                digest,
                revisions,
                steps,
                covers,
            }),
        text().prop_map(|notice| Run::Noticed { notice }),
        (vec(name(), 0..3), vec(waits(), 0..3)).prop_map(|(apps, waits)| Run::Foreseen { apps, waits }),
        (any::<u32>(), 0..3_usize, 0..3_usize).prop_map(|(left_ms, measured, apps)| Run::Expected {
            left_ms: left_ms.into(),
            measured,
            apps,
        }),
        (text(), any::<bool>()).prop_map(|(what, lasting)| Run::LeftToDo { what, lasting }),
        (text(), text(), text()).prop_map(|(subject, what, reason)| Run::Excepted(Exception { subject, what, reason })),
        (text(), text()).prop_map(|(what, reason)| Run::Vouched { what, reason }),
        (name(), text(), text(), any::<bool>()).prop_map(|(source, from, to, rewritten)| Run::SourceMoved {
            source,
            from,
            to,
            rewritten
        }),
        (name(), text(), text()).prop_map(|(cluster, server, uid)| Run::Remote { cluster, server, uid }),
        text().prop_map(|reason| Run::Stopping { reason }),
        (outcome, option::of(failure())).prop_map(|(outcome, failure)| Run::Finished { outcome, failure }),
        Just(Run::Unknown),
    ]
}

/// Places in a list that may well be shorter.
fn waits() -> impl Strategy<Value = Waits> {
    (0..4_usize, 0..4_usize, any::<bool>()).prop_map(|(later, earlier, until_well)| Waits {
        later,
        earlier,
        until_well,
    })
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        text().prop_map(|detail| Outcome::Done { detail }),
        text().prop_map(|detail| Outcome::Skipped { detail }),
        failure().prop_map(|failure| Outcome::Failed { failure }),
    ]
}

fn begun() -> impl Strategy<Value = Begun> {
    (name(), option::of(outcome()), option::of(text())).prop_map(|(id, ended, by)| Begun {
        id,
        ended,
        by: by.map(RunId),
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        planned().prop_map(Step::Started),
        (name(), any::<u64>(), option::of(any::<u64>()), text()).prop_map(|(id, done, total, note)| Step::Progress {
            id,
            done,
            total,
            note
        }),
        (name(), question()).prop_map(|(id, question)| Step::Asked { id, question }),
        (name(), any::<bool>(), text(), text()).prop_map(|(id, approved, by, comment)| Step::Answered {
            id,
            approved,
            by,
            comment
        }),
        (name(), text()).prop_map(|(id, line)| Step::Output { id, line }),
        (name(), outcome()).prop_map(|(id, outcome)| Step::Finished { id, outcome }),
        Just(Step::Unknown),
    ]
}

fn node() -> impl Strategy<Value = Node> {
    let phase = prop::sample::select(vec![
        NodePhase::Failing,
        NodePhase::Missing,
        NodePhase::Progressing,
        NodePhase::Excepted,
        NodePhase::Ready,
        NodePhase::Ignored,
    ]);
    let blocker = (text(), text()).prop_map(|(object, reason)| Blocker { object, reason });
    (
        name(),
        option::of(name()),
        phase,
        text(),
        option::of(text()),
        vec(blocker, 0..3),
    )
        .prop_map(|(id, parent, phase, words, revision, blocked_by)| Node {
            name: id.clone(),
            id,
            parent,
            phase,
            words,
            revision,
            blocked_by,
        })
}

fn intervention() -> impl Strategy<Value = Intervention> {
    (name(), text(), text(), any::<u32>(), any::<u32>()).prop_map(|(node, action, trigger, attempt, bound)| {
        Intervention {
            node,
            action,
            trigger,
            attempt,
            bound,
        }
    })
}

fn body() -> impl Strategy<Value = Body> {
    prop_oneof![
        4 => run().prop_map(Body::Run),
        6 => step().prop_map(Body::Step),
        4 => node().prop_map(Body::Node),
        1 => intervention().prop_map(Body::Intervention),
        1 => Just(Body::Unknown),
    ]
}

/// A run: its time never goes back, its numbers are even so that a test can put something between any two.
pub(crate) fn events() -> impl Strategy<Value = Vec<Event>> {
    vec((0_u64..5_000, body()), 0..24).prop_map(|bodies| {
        let mut elapsed_ms = 0;
        let event = |((after, body), number): ((u64, Body), u64)| {
            elapsed_ms += after;
            Event {
                seq: number * 2,
                at: Timestamp::from_millisecond(1_795_000_000_000 + elapsed_ms.cast_signed()).unwrap(),
                elapsed_ms,
                body,
            }
        };
        bodies.into_iter().zip(1..).map(event).collect()
    })
}

fn read(json: &str) -> Event {
    serde_json::from_str(json).unwrap()
}

proptest! {
    #[test]
    fn an_event_reads_back_as_it_was_written(events in events()) {
        for event in events {
            let line = serde_json::to_string(&event).unwrap();
            prop_assert!(!line.contains('\n'), "a journal has one event a line: {line}");
            prop_assert_eq!(read(&line), event);
        }
    }

    #[test]
    fn a_field_of_a_newer_version_is_no_trouble(events in events()) {
        for event in events {
            let mut value = serde_json::to_value(&event).unwrap();
            value["weather"] = serde_json::json!({"rain": [1, null]});
            prop_assert_eq!(read(&value.to_string()), event);
        }
    }

    #[test]
    fn an_event_heard_twice_changes_nothing(events in events()) {
        let once = RunState::of(&events);
        let twice = RunState::of(events.iter().flat_map(|event| [event, event]));
        prop_assert_eq!(&twice, &once);
        let again = RunState::of(events.iter().chain(&events));
        prop_assert_eq!(&again, &once);
    }

    #[test]
    fn what_a_newer_version_says_between_two_events_is_skipped(events in events(), family in "[a-z]{5,9}y") {
        let mut with_unknown = Vec::new();
        for event in &events {
            let mut value = serde_json::json!({"family": family, "event": "rained", "id": "a", "deep": {"er": 1}});
            value["seq"] = (event.seq - 1).into();
            value["elapsed_ms"] = event.elapsed_ms.into();
            value["at"] = event.at.to_string().into();
            let unknown = read(&value.to_string());
            prop_assert_eq!(&unknown.body, &Body::Unknown);
            with_unknown.extend([unknown, event.clone()]);
        }
        prop_assert_eq!(RunState::of(&with_unknown), RunState::of(&events));
    }

    #[test]
    fn the_phases_add_up_to_no_more_than_the_whole(events in events()) {
        let state = RunState::of(&events);
        let (busy, human) = (state.busy_ms(), state.human_ms());
        prop_assert!(busy + human <= state.recovery_ms(), "{busy} and {human} of {}", state.recovery_ms());
        for (phase, time) in state.phases() {
            prop_assert!(time <= busy, "{phase:?} took {time} of {busy}");
        }
    }

    #[test]
    fn each_known_node_is_either_ready_or_told_as_not_ready(events in events()) {
        let state = RunState::of(&events);
        let (ready, known) = state.ready();
        prop_assert_eq!(ready + state.unready().len(), known);
        for node in state.nodes.values() {
            prop_assert!(node.begun_ms <= node.ready_ms || node.ready_ms.is_none(), "{node:?}");
            prop_assert!(!node.node.phase.is_settled() || node.ready_ms.is_some(), "{node:?}");
        }
    }
}

#[test]
fn a_happening_of_a_newer_version_is_read_as_unknown() {
    let head = r#""seq": 1, "at": "2026-11-21T03:12:00Z", "elapsed_ms": 0"#;
    let run = read(&format!(
        r#"{{{head}, "family": "run", "event": "celebrated", "with": ["cake"]}}"#
    ));
    assert_eq!(run.body, Body::Run(Run::Unknown));
    let step = read(&format!(
        r#"{{{head}, "family": "step", "event": "retried", "id": "a"}}"#
    ));
    assert_eq!(step.body, Body::Step(Step::Unknown));
}

/// Makes a run of the happenings, one second apart, the first at 0.
fn told(bodies: Vec<Body>) -> RunState {
    let events: Vec<_> = bodies
        .into_iter()
        .zip(0_u64..)
        .map(|(body, second)| Event {
            seq: second + 1,
            at: Timestamp::UNIX_EPOCH,
            elapsed_ms: second * 1_000,
            body,
        })
        .collect();
    RunState::of(&events)
}

fn begin(id: &str, phase: Phase) -> Body {
    let effect = Effect::Repeatable;
    Body::Step(Step::Started(PlannedStep {
        id: id.into(),
        phase,
        title: String::new(),
        effect,
    }))
}

fn end(id: &str) -> Body {
    let outcome = Outcome::Done { detail: String::new() };
    Body::Step(Step::Finished { id: id.into(), outcome })
}

#[test]
fn steps_side_by_side_count_once_and_a_pause_does_not_count() {
    let state = told(vec![
        begin("infra", Phase::Apps),
        begin("more", Phase::Apps),
        end("infra"),
        end("more"),
        begin("data", Phase::Checks),
        end("data"),
        begin("shop", Phase::Apps),
        end("shop"),
    ]);
    assert_eq!(state.phases(), [(Phase::Apps, 4_000), (Phase::Checks, 1_000)]);
    assert_eq!(state.busy_ms(), 5_000);
    assert_eq!(state.recovery_ms(), 7_000);
}

#[test]
fn a_recovery_clock_that_stopped_once_stays_where_it_stopped() {
    let goes_on = Run::GoesOn {
        with: RunId("01A".into()),
        since_ms: 172_800_000,
        begun: vec![],
        recovery_ms: Some(90_000),
        recovered_by: None,
        human_ms: 0,
        left_to_do: Vec::new(),
    };
    let state = told(vec![goes_on.into(), Run::Recovered.into(), end("apps")]);
    assert_eq!((state.recovery_ms(), state.stopped_at_ms()), (90_000, Some(90_000)));
}

#[test]
fn of_a_platform_that_recovered_only_clusters_and_what_reads_is_gone_on_with() {
    let planned = |id: &str, phase, effect| PlannedStep {
        id: id.into(),
        phase,
        title: String::new(),
        effect,
    };
    let begun = |id: &str| Begun {
        id: id.into(),
        ended: Some(Outcome::Done { detail: String::new() }),
        by: None,
    };
    let known = [
        "interlock",
        "ground",
        "step/data",
        "cluster/eu",
        "apps/clusters",
        "check/1",
    ];
    let stands = |recovered_by: Option<RunId>, step: &PlannedStep| {
        let goes_on = Run::GoesOn {
            with: RunId("01A".into()),
            since_ms: 0,
            begun: known.map(begun).to_vec(),
            recovery_ms: None,
            recovered_by,
            human_ms: 0,
            left_to_do: Vec::new(),
        };
        told(vec![goes_on.into()]).recovered_with(step).is_some()
    };
    for (id, phase, effect, expected) in [
        ("interlock", Phase::Interlock, Effect::Reads, false),
        ("ground", Phase::Ground, Effect::Repeatable, true),
        ("step/data", Phase::Apps, Effect::Repeatable, true),
        ("step/data", Phase::Apps, Effect::Once, true),
        // A person has taken another plan, with a step that nobody has begun.
        ("step/new", Phase::Apps, Effect::Repeatable, false),
        ("cluster/eu", Phase::Clusters, Effect::Repeatable, false),
        ("apps/clusters", Phase::Apps, Effect::Repeatable, false),
        ("check/1", Phase::Checks, Effect::Reads, false),
    ] {
        let step = planned(id, phase, effect);
        assert_eq!(stands(Some(RunId("01R".into())), &step), expected, "{id}");
        assert!(!stands(None, &step), "{id}");
    }
}

#[test]
fn progress_after_the_end_does_not_bring_a_step_back() {
    let late = Step::Progress {
        id: "a".into(),
        done: 1,
        total: None,
        note: String::new(),
    };
    let state = told(vec![begin("a", Phase::Agent), end("a"), late.into()]);
    assert!(state.running().is_none());
}

#[test]
fn a_run_that_goes_on_has_not_ended_and_its_step_runs_again() {
    let interrupted = Run::Finished {
        outcome: RunOutcome::Interrupted,
        failure: None,
    };
    let stopping = Run::Stopping {
        reason: "interrupt".into(),
    };
    let before = vec![
        begin("a", Phase::Agent),
        end("a"),
        stopping.into(),
        interrupted.into(),
        begin("a", Phase::Agent),
    ];
    let state = told(before);
    assert_eq!((state.finished.as_ref(), state.stopping.as_ref()), (None, None));
    assert_eq!(state.running().unwrap().finished_ms, None);
}

#[test]
fn what_a_resumed_run_says_again_is_one_thing_to_know() {
    let exception = Exception {
        subject: "reports".into(),
        what: "Suspended".into(),
        reason: "holidays".into(),
    };
    let said = [
        Body::from(Run::Excepted(exception)),
        Run::LeftToDo {
            what: "DNS".into(),
            lasting: false,
        }
        .into(),
    ];
    let state = told([said.clone(), said].concat());
    assert_eq!((state.exceptions.len(), state.left_to_do.len()), (1, 1));
}

#[test]
fn a_rebuilt_cluster_is_known_by_the_uid_that_was_seen_last() {
    let seen = |cluster: &str, uid: &str| {
        Body::Run(Run::Remote {
            cluster: cluster.into(),
            server: "https://lab.example.com".into(),
            uid: uid.into(),
        })
    };
    let state = told(vec![seen("lab", "u1"), seen("mill", "u2"), seen("lab", "u3")]);
    let known: Vec<_> = state
        .remotes
        .iter()
        .map(|(name, uid)| (name.as_str(), uid.as_str()))
        .collect();
    assert_eq!(known, [("lab", "u3"), ("mill", "u2")]);
}

#[test]
fn a_node_that_fell_ill_again_keeps_the_time_of_its_first_recovery() {
    let node = |phase| {
        Body::Node(Node {
            id: "a".into(),
            name: "a".into(),
            parent: None,
            phase,
            words: String::new(),
            revision: None,
            blocked_by: Vec::new(),
        })
    };
    let phases = [
        NodePhase::Missing,
        NodePhase::Progressing,
        NodePhase::Ready,
        NodePhase::Failing,
        NodePhase::Failing,
    ];
    let state = told(phases.map(node).to_vec());
    let node = &state.nodes["a"];
    assert_eq!(
        (node.begun_ms, node.ready_ms, node.since_ms),
        (Some(1_000), Some(2_000), 3_000)
    );
    assert!(state.any_failing());
}

#[test]
fn a_run_tells_the_next_what_it_and_those_before_it_have_begun() {
    let step = |id: &str, effect| {
        Body::Step(Step::Started(PlannedStep {
            id: id.into(),
            phase: Phase::Apps,
            title: String::new(),
            effect,
        }))
    };
    let done = || {
        Some(Outcome::Done {
            detail: "before".into(),
        })
    };
    let before = |id: &str, ended| Begun {
        id: id.into(),
        ended,
        by: None,
    };
    let goes_on = Run::GoesOn {
        with: RunId("01A".into()),
        since_ms: 0,
        recovery_ms: None,
        recovered_by: None,
        human_ms: 0,
        left_to_do: Vec::new(),
        begun: vec![
            before("approved", done()),
            before("applied", done()),
            before("restored", done()),
            before("never-reached", done()),
            before("unknown", None),
        ],
    };
    let fails = |id: &str| {
        Body::Step(Step::Finished {
            id: id.into(),
            outcome: Outcome::Failed {
                failure: Failure::new("cut off"),
            },
        })
    };
    let state = told(vec![
        goes_on.into(),
        step("approved", Effect::Reads),
        step("applied", Effect::Repeatable),
        step("restored", Effect::Once),
        step("unknown", Effect::Once),
        fails("unknown"),
        step("new", Effect::Once),
    ]);
    let begun = state.begun();
    let ended: Vec<_> = begun
        .iter()
        .map(|begun| (begun.id.as_str(), begun.ended.clone()))
        .collect();
    let expected = [
        ("approved", done()),
        // It may be half done again by now.
        ("applied", None),
        ("restored", done()),
        ("never-reached", done()),
        ("unknown", None),
        ("new", None),
    ];
    assert_eq!(ended, expected);
}
