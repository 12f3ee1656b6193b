//! A step that must not be done twice, in a run that goes on with others.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::clock::ManualClock;
use crate::engine::{Alarm, Engine, Nobody, Person, Record, Settings};
use crate::event::{Event, Phase, RunId, RunOutcome, RunState, Sink, Step as StepEvent};
use crate::redact::Redactor;

/// A step that counts how often it is done.
#[derive(Clone, Default)]
struct Data(Arc<AtomicUsize>);

#[async_trait]
impl Step for Data {
    fn planned(&self) -> PlannedStep {
        PlannedStep {
            id: "step/data".into(),
            phase: Phase::Apps,
            title: "run restore-data".into(),
            effect: Effect::Once,
        }
    }

    async fn holds(&self, _context: &Context, _earlier: &Outcome) -> Result<Holds, Failure> {
        Ok(Holds::Yes("it was done".into()))
    }

    async fn run(&self, _context: &Context) -> Result<Outcome, Failure> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(Outcome::Done { detail: "now".into() })
    }
}

/// Somebody who always says the same, after the screens have heard that they are asked.
struct Says(Option<Answer>, Heard);

#[async_trait]
impl Person for Says {
    fn is_there(&self) -> bool {
        true
    }

    async fn ask(&self, question: &Question) -> Option<Answer> {
        assert_eq!(question.choices, ["was-done", "do-again"]);
        assert_eq!(self.1.0.load(Ordering::Relaxed), 1, "a screen is still in the way");
        self.0.clone()
    }
}

/// A screen that counts the questions.
#[derive(Clone, Default)]
struct Heard(Arc<AtomicUsize>);

impl Sink for Heard {
    fn event(&mut self, event: &Event, _: &RunState) {
        if matches!(event.body, crate::event::Body::Step(StepEvent::Asked { .. })) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

struct Lost;

#[async_trait]
impl Record for Lost {
    fn keep(&self, _event: &Event) {}

    async fn kept(&self) -> Result<(), Failure> {
        Err(Failure::new("the record cannot be written"))
    }
}

fn settings(person: impl Person + 'static, heard: &Heard) -> Settings {
    Settings {
        journal: None,
        record: None,
        person: Arc::new(person),
        sinks: vec![Box::new(heard.clone())],
        clock: Arc::new(ManualClock::default()),
        redactor: Redactor::default(),
        interrupt: CancellationToken::new(),
        alarm: Alarm::default(),
        deadline: None,
    }
}

fn started() -> Run {
    Run::Started {
        run: RunId("01B".into()),
        runbook: String::new(),
        file: String::new(),
        program: String::new(),
        target_ms: None,
        arguments: vec![],
    }
}

/// Goes on with runs of which this is known, and says these things; returns the end and how often it was done.
async fn goes_on(settings: Settings, begun: Vec<Begun>, told: Vec<Run>) -> (RunState, usize) {
    let mut engine = Engine::new(settings);
    engine.record(started());
    engine.record(Run::GoesOn {
        with: RunId("01A".into()),
        since_ms: 0,
        begun,
        recovery_ms: None,
        recovered_by: None,
        human_ms: 0,
        left_to_do: Vec::new(),
    });
    for told in told {
        engine.record(told);
    }
    let data = Data::default();
    let steps: [Box<dyn Step>; 1] = [Box::new(data.clone())];
    let result = engine.run(&steps).await;
    (engine.finish(result), data.0.load(Ordering::Relaxed))
}

fn data(ended: Option<Outcome>) -> Vec<Begun> {
    vec![Begun {
        by: None,
        id: "step/data".into(),
        ended,
    }]
}

fn done() -> Outcome {
    Outcome::Done { detail: "then".into() }
}

fn failed() -> Outcome {
    Outcome::Failed {
        failure: Failure::new("it broke"),
    }
}

fn outcome(state: &RunState) -> RunOutcome {
    state.finished.clone().unwrap().0
}

#[tokio::test(start_paused = true)]
async fn what_was_done_is_not_done_again_however_many_runs_lie_between() {
    for ended in [
        Some(done()),
        Some(Outcome::Skipped {
            detail: "before".into(),
        }),
    ] {
        let (state, times) = goes_on(settings(Nobody, &Heard::default()), data(ended), vec![]).await;
        assert_eq!((outcome(&state), times), (RunOutcome::Recovered, 0));
        assert!(state.begun()[0].is_done(), "the next run knows it too");
    }
    let (_, times) = goes_on(settings(Nobody, &Heard::default()), vec![], vec![]).await;
    assert_eq!(times, 1, "what no run has begun is done");
}

#[tokio::test(start_paused = true)]
async fn an_end_that_is_not_known_is_never_guessed() {
    for ended in [None, Some(failed())] {
        let (state, times) = goes_on(settings(Nobody, &Heard::default()), data(ended.clone()), vec![]).await;
        assert_eq!((outcome(&state), times), (RunOutcome::Failed, 0));
        let hints = state.finished.clone().unwrap().1.unwrap().hints;
        assert!(hints[0].contains("--was-done step/data=REASON or --do-again step/data=REASON"));
        assert_eq!(state.begun(), data(ended), "and the next run asks the same");
    }
}

#[tokio::test(start_paused = true)]
async fn a_person_decides_and_the_word_is_kept() {
    let says = |comment: &str| Answer::Given {
        by: "ann".into(),
        comment: comment.into(),
    };
    for (answer, ends, times) in [
        (Some(says("was-done seen in its log")), RunOutcome::Recovered, 0),
        (Some(says("do-again the table is empty")), RunOutcome::Recovered, 1),
        (Some(says("perhaps")), RunOutcome::Failed, 0),
        (Some(Answer::Refused { by: "ann".into() }), RunOutcome::Failed, 0),
        (None, RunOutcome::Failed, 0),
    ] {
        let heard = Heard::default();
        let asked = settings(Says(answer.clone(), heard.clone()), &heard);
        let (state, done) = goes_on(asked, data(None), vec![]).await;
        assert_eq!((outcome(&state), done), (ends, times), "{answer:?}");
        assert_eq!(state.begun()[0].is_done(), ends == RunOutcome::Recovered, "{answer:?}");
        assert_eq!(
            state.vouched.len(),
            usize::from(ends == RunOutcome::Recovered),
            "{answer:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_word_given_beforehand_is_as_good() {
    for (word, times) in [(Run::WAS_DONE, 0), (Run::DO_AGAIN, 1)] {
        let told = vec![Run::told_of_step(word, "step/data", "seen")];
        let (state, done) = goes_on(settings(Nobody, &Heard::default()), data(None), told).await;
        assert_eq!((outcome(&state), done), (RunOutcome::Recovered, times), "{word}");
    }
    // It is even stronger than what is known.
    let told = vec![Run::told_of_step(Run::DO_AGAIN, "step/data", "the disk was lost")];
    let (_, times) = goes_on(settings(Nobody, &Heard::default()), data(Some(done())), told).await;
    assert_eq!(times, 1);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_not_written_down_stops_before_it() {
    let heard = Heard::default();
    let unwritten = vec![Run::Unjournaled {
        why: "the disk is full".into(),
    }];
    let (state, times) = goes_on(settings(Nobody, &heard), vec![], unwritten).await;
    assert_eq!((outcome(&state), times), (RunOutcome::Refused, 0));
    assert_eq!(state.begun(), [], "and nobody is asked what became of it");
    let why = state.finished.unwrap().1.unwrap().message;
    assert!(why.contains("no longer written down"), "{why}");

    let lost = Settings {
        record: Some(Arc::new(Lost)),
        ..settings(Nobody, &heard)
    };
    let (state, times) = goes_on(lost, vec![], vec![]).await;
    assert_eq!((outcome(&state), times), (RunOutcome::Refused, 0));
    assert_eq!(state.begun(), []);
}

#[tokio::test(start_paused = true)]
async fn what_a_run_did_that_this_one_does_not_go_on_with_is_asked_about_too() {
    for ended in [Some(done()), Some(failed()), None] {
        let mut before = data(ended);
        before[0].by = Some(RunId("01A".into()));
        let (state, times) = goes_on(settings(Nobody, &Heard::default()), before.clone(), vec![]).await;
        assert_eq!((outcome(&state), times), (RunOutcome::Failed, 0), "{before:?}");
        assert_eq!(state.begun(), before, "and the next run asks the same");
        for (word, expected) in [(Run::WAS_DONE, 0), (Run::DO_AGAIN, 1)] {
            let told = vec![Run::told_of_step(word, "step/data", "seen")];
            let (state, times) = goes_on(settings(Nobody, &Heard::default()), before.clone(), told).await;
            assert_eq!((outcome(&state), times), (RunOutcome::Recovered, expected), "{word}");
        }
    }
}
