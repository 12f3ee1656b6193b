//! The loop, with steps that do what a test tells them.

use async_trait::async_trait;

use super::*;
use crate::clock::ManualClock;
use crate::event::{Blocker, Effect, Node, NodePhase, Phase, PlannedStep};
use crate::redact::{MASK, Secret};

/// What a step of a test does.
#[derive(Clone)]
enum Does {
    Succeeds,
    Fails,
    WaitsToBeStopped,
    Hangs,
    Shows(NodePhase),
    Says(&'static str),
    Blames(String),
}

struct Scripted(&'static str, Effect, Does);

#[async_trait]
impl Step for Scripted {
    fn planned(&self) -> PlannedStep {
        PlannedStep {
            id: self.0.into(),
            phase: Phase::Apps,
            title: self.0.into(),
            effect: self.1,
        }
    }

    async fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        match &self.2 {
            Does::Succeeds => {}
            Does::Fails => return Err(Failure::new("it broke")),
            Does::Hangs => std::future::pending().await,
            Does::WaitsToBeStopped => {
                context.stopped().await;
                return Err(Failure::new("stopped while waiting"));
            }
            Does::Says(text) => context.notice(*text),
            Does::Blames(text) => {
                let reason = crate::event::one_line(text);
                let object = String::new();
                context.emit(node(NodePhase::Failing, vec![Blocker { object, reason }]));
            }
            Does::Shows(phase) => {
                context.emit(node(*phase, vec![]));
                context.stopped().await;
                return Err(Failure::new("stopped while waiting"));
            }
        }
        Ok(Outcome::Done { detail: String::new() })
    }
}

fn node(phase: NodePhase, blocked_by: Vec<Blocker>) -> Node {
    Node {
        id: "a".into(),
        name: "a".into(),
        parent: None,
        phase,
        words: "Synced, Degraded".into(),
        revision: None,
        blocked_by,
    }
}

fn settings() -> Settings {
    Settings {
        journal: None,
        record: None,
        person: Arc::new(crate::engine::Nobody),
        sinks: vec![],
        clock: Arc::new(ManualClock::default()),
        redactor: Redactor::default(),
        interrupt: CancellationToken::new(),
        alarm: Alarm::default(),
        deadline: None,
    }
}

async fn run(settings: Settings, steps: Vec<Scripted>) -> RunState {
    let mut engine = Engine::new(settings);
    let steps: Vec<Box<dyn Step>> = steps.into_iter().map(|step| Box::new(step) as Box<dyn Step>).collect();
    let result = engine.run(&steps).await;
    engine.finish(result)
}

fn outcome(state: &RunState) -> RunOutcome {
    state.finished.clone().unwrap().0
}

#[tokio::test(start_paused = true)]
async fn a_failure_before_anything_was_changed_is_a_refusal() {
    let state = run(settings(), vec![Scripted("read", Effect::Reads, Does::Fails)]).await;
    assert_eq!((outcome(&state), state.exit_code()), (RunOutcome::Refused, 2));
}

#[tokio::test(start_paused = true)]
async fn a_failure_after_a_change_is_a_failure() {
    let steps = vec![
        Scripted("apply", Effect::Repeatable, Does::Succeeds),
        Scripted("read", Effect::Reads, Does::Fails),
    ];
    let state = run(settings(), steps).await;
    assert_eq!((outcome(&state), state.exit_code()), (RunOutcome::Failed, 1));
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_lets_the_step_end_and_begins_no_other() {
    let interrupted = settings();
    let token = interrupted.interrupt.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(3)).await;
        token.cancel();
    });
    let steps = vec![
        Scripted("wait", Effect::Repeatable, Does::WaitsToBeStopped),
        Scripted("next", Effect::Repeatable, Does::Succeeds),
    ];
    let state = run(interrupted, steps).await;
    assert_eq!((outcome(&state), state.exit_code()), (RunOutcome::Interrupted, 130));
    assert_eq!(state.steps.len(), 1, "no further step began");
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_cluster_is_not_its_own_any_more_fails_with_why_and_begins_no_further_step() {
    let why = || Failure::new("another run took over").hint("let it end");
    for (effect, exit) in [(Effect::Repeatable, 1), (Effect::Reads, 2)] {
        let alarmed = settings();
        let alarm = alarmed.alarm.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(3)).await;
            alarm.raise(why());
        });
        let steps = vec![
            Scripted("wait", effect, Does::WaitsToBeStopped),
            Scripted("next", Effect::Repeatable, Does::Succeeds),
        ];
        let state = run(alarmed, steps).await;
        assert_eq!(state.finished.clone().unwrap().1, Some(why()));
        assert_eq!(
            (state.exit_code(), state.steps.len()),
            (exit, 1),
            "no further step began"
        );
    }
    // One that hears of it only when all is done has not recovered either.
    let alarmed = settings();
    let alarm = alarmed.alarm.clone();
    let mut engine = Engine::new(alarmed);
    let steps: [Box<dyn Step>; 1] = [Box::new(Scripted("last", Effect::Repeatable, Does::Succeeds))];
    let result = engine.run(&steps).await;
    alarm.raise(why());
    assert_eq!(outcome(&engine.finish(result)), RunOutcome::Failed);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_does_not_end_is_left_after_its_grace() {
    let interrupted = settings();
    let token = interrupted.interrupt.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        token.cancel();
    });
    let state = run(interrupted, vec![Scripted("hang", Effect::Repeatable, Does::Hangs)]).await;
    assert_eq!(outcome(&state), RunOutcome::Interrupted);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_with_nothing_broken_can_be_resumed_and_with_something_broken_is_a_failure() {
    for (phase, exit) in [(NodePhase::Progressing, 4), (NodePhase::Failing, 1)] {
        let bounded = Settings {
            deadline: Some(Duration::from_mins(1)),
            ..settings()
        };
        let state = run(bounded, vec![Scripted("drive", Effect::Repeatable, Does::Shows(phase))]).await;
        assert_eq!(state.exit_code(), exit, "{phase:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_value_in_a_text_never_reaches_a_sink_or_the_state() {
    let masked = settings();
    masked.redactor.learn(&Secret::from("hunter2\"hunter2"));
    // A secret that is one of our own words must not make events unreadable.
    masked.redactor.learn(&Secret::from("noticed"));
    let state = run(
        masked,
        vec![Scripted(
            "say",
            Effect::Reads,
            // As it is, and as JSON in the text would have it.
            Does::Says("the server said hunter2\"hunter2 and {\"a\": \"hunter2\\\"hunter2\"}"),
        )],
    )
    .await;
    assert_eq!(
        state.notices,
        [format!("the server said {MASK} and {{\"a\": \"{MASK}\"}}")]
    );
}

#[tokio::test(start_paused = true)]
async fn what_kustomize_quotes_of_a_secret_is_masked_before_any_value_is_learnt() {
    let says = Does::Says("invalid literal source c4n4ry-literal, expected key=value");
    let state = run(settings(), vec![Scripted("say", Effect::Reads, says)]).await;
    assert_eq!(
        state.notices,
        [format!("invalid literal source {MASK}, expected key=value")]
    );
}

#[tokio::test(start_paused = true)]
async fn a_secret_value_that_a_long_text_would_be_cut_in_leaks_no_part_of_itself() {
    const VALUE: &str = "correct  horse\tbattery staple";
    // Where the middle is taken out, and where what is read of it ends.
    for before in (180..=420).chain(2010..=2050) {
        let masked = settings();
        masked.redactor.learn(&Secret::from(VALUE));
        let text = format!(
            "{} {VALUE} was refused, {}",
            "x".repeat(before),
            "and so on ".repeat(50)
        );
        let state = run(masked, vec![Scripted("say", Effect::Reads, Does::Blames(text))]).await;
        let node = state.nodes.values().next().unwrap();
        let reason = &node.node.blocked_by[0].reason;
        assert!(
            !reason.contains("co") && !reason.contains("horse"),
            "{before}: {reason}"
        );
        assert!(
            reason.contains('…') && reason.chars().count() <= 401,
            "{before}: {reason}"
        );
    }
}

/// A second record that notes how much it had been given whenever somebody waited for it.
#[derive(Default)]
struct Noting {
    taken: std::sync::Mutex<Vec<String>>,
    waited_for: std::sync::Mutex<Vec<usize>>,
    broken: bool,
}

#[async_trait]
impl Record for Noting {
    fn keep(&self, event: &Event) {
        let words = serde_json::to_string(&event.body).unwrap();
        self.taken.lock().unwrap().push(words);
    }

    async fn kept(&self) -> Result<(), Failure> {
        self.waited_for.lock().unwrap().push(self.taken.lock().unwrap().len());
        if self.broken {
            return Err(Failure::new("the record cannot be written"));
        }
        Ok(())
    }
}

async fn recorded(record: &Arc<Noting>, steps: Vec<Scripted>) -> RunState {
    let mut engine = Engine::new(Settings {
        record: Some(Arc::<Noting>::clone(record)),
        ..settings()
    });
    // Only a run that began is known to be written down.
    engine.record(Run::Started {
        run: crate::event::RunId("01A".into()),
        runbook: String::new(),
        file: String::new(),
        program: String::new(),
        target_ms: None,
        arguments: Vec::new(),
    });
    let steps: Vec<Box<dyn Step>> = steps.into_iter().map(|step| Box::new(step) as Box<dyn Step>).collect();
    let result = engine.run(&steps).await;
    engine.finish(result)
}

#[tokio::test(start_paused = true)]
async fn before_the_first_change_and_before_each_that_must_not_be_done_twice_the_record_is_waited_for() {
    let record = Arc::new(Noting::default());
    let step = |id, effect| Scripted(id, effect, Does::Succeeds);
    let steps = vec![
        step("look", Effect::Reads),
        step("apply", Effect::Repeatable),
        step("apply-more", Effect::Repeatable),
        step("migrate", Effect::Once),
    ];
    recorded(&record, steps).await;
    let taken = record.taken.lock().unwrap();
    let began = |id: &str| {
        let is_start = |words: &&String| words.contains("\"started\"") && words.contains(&format!("\"{id}\""));
        taken.iter().position(|words| is_start(&words)).unwrap() + 1
    };
    // Of what must not be done twice it is known beforehand that it can be written down at all.
    let expected = [began("apply"), began("migrate") - 1, began("migrate")];
    assert_eq!(*record.waited_for.lock().unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_written_is_told_and_stops_only_what_must_not_be_done_twice() {
    let broken = || {
        Arc::new(Noting {
            broken: true,
            ..Noting::default()
        })
    };
    let state = recorded(&broken(), vec![Scripted("apply", Effect::Repeatable, Does::Succeeds)]).await;
    assert_eq!(state.exit_code(), 0);
    assert!(
        state.notices[0].contains("from this machine only"),
        "{:?}",
        state.notices
    );
    let state = recorded(&broken(), vec![Scripted("migrate", Effect::Once, Does::Succeeds)]).await;
    assert_eq!(state.begun(), [], "a person would be asked what became of it");
    let (outcome, failure) = state.finished.unwrap();
    assert_eq!(outcome, RunOutcome::Refused);
    assert_eq!(failure.unwrap().message, "the record cannot be written");
}

/// A record that is never written.
struct Hanging;

#[async_trait]
impl Record for Hanging {
    fn keep(&self, _event: &Event) {}

    async fn kept(&self) -> Result<(), Failure> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_the_record_hears_of_ctrl_c_and_of_the_deadline_and_says_that_it_lives() {
    for effect in [Effect::Repeatable, Effect::Once] {
        for (deadline, exit) in [(None, 130), (Some(Duration::from_mins(2)), 4)] {
            let hanging = Settings {
                record: Some(Arc::new(Hanging)),
                deadline,
                ..settings()
            };
            let interrupt = hanging.interrupt.clone();
            if deadline.is_none() {
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_mins(2)).await;
                    interrupt.cancel();
                });
            }
            let mut engine = Engine::new(hanging);
            engine.state.is_journaled = true;
            let steps: [Box<dyn Step>; 1] = [Box::new(Scripted("apply", effect, Does::Succeeds))];
            let ran = tokio::time::timeout(Duration::from_mins(3), engine.run(&steps)).await;
            let begun = engine.state().begun().len();
            let beats = engine.state().seq;
            let state = engine.finish(ran.expect("it waits for ever"));
            assert_eq!(state.exit_code(), exit, "{effect:?}");
            let is_once = effect == Effect::Once;
            assert_eq!(
                begun,
                usize::from(!is_once),
                "what must not be done twice was not begun"
            );
            assert!(beats >= 5 || is_once, "{beats}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_cannot_be_written_does_not_stop_the_run() {
    let folder = tempfile::tempdir().unwrap();
    // The device that is always full.
    std::os::unix::fs::symlink("/dev/full", folder.path().join("full")).unwrap();
    let journal = Journal::on(
        std::fs::OpenOptions::new()
            .write(true)
            .open(folder.path().join("full"))
            .unwrap(),
        folder.path().join("full"),
    );
    let full = Settings {
        journal: Some(journal),
        ..settings()
    };
    let state = run(full, vec![Scripted("apply", Effect::Repeatable, Does::Succeeds)]).await;
    assert_eq!(state.exit_code(), 0);
    assert!(
        state.notices[0].starts_with("The run goes on without a journal"),
        "{:?}",
        state.notices
    );
}
