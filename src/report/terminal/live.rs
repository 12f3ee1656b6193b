//! A run in a terminal, as it happens.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressState, ProgressStyle};

use super::echo::{hush, restore_echo};
use super::frame::frame;
use super::resting::Resting;
use super::row;
use crate::clock::Clock;
use crate::event::{Body, Event, Run, RunState, Sink, Step, StepStatus};
use crate::report::style::{Paint, Style};
use crate::report::{text, wording};

/// How often the moving lines are drawn. The spinner turns and the clock goes on without any event.
const TICK: Duration = Duration::from_millis(100);
/// How often a terminal is drawn at most, each second.
const DRAWS: u8 = 20;

/// Keeps a few moving lines at the bottom of a terminal and prints what is done above them. At the end, or when dropped,
/// the moving lines are wiped away; what is done stays.
pub struct Live {
    /// The moving lines; none while a person is asked, who types where they would be.
    bar: Option<ProgressBar>,
    make: Make,
    view: Arc<Mutex<View>>,
    clock: Arc<dyn Clock>,
    style: Style,
    opened: bool,
}

/// What the drawing thread needs. It folds events itself: to copy a large state at each event would be dear.
struct View {
    state: RunState,
    /// The clock's time at the newest event.
    heard: Duration,
    clock: Arc<dyn Clock>,
    style: Style,
    size: Size,
}

/// Makes the moving lines anew, for a terminal from which they were wiped cannot be drawn on again.
type Make = Box<dyn Fn() -> ProgressBar + Send>;

/// Returns the rows and columns that there are now: a terminal may be resized at any time.
type Size = Box<dyn Fn() -> (u16, u16) + Send>;

impl Live {
    /// Draws on a terminal. It should be a buffered one (`Term::buffered_stderr()`), so that each picture arrives whole.
    /// Nothing is drawn if it is no terminal.
    pub fn new(term: &Term, style: Style, clock: Arc<dyn Clock>) -> Self {
        let (drawn, measured) = (term.clone(), term.clone());
        let target = move || {
            if drawn.is_term() {
                hush();
                ProgressDrawTarget::term_like_with_hz(Box::new(Resting(drawn.clone())), DRAWS)
            } else {
                ProgressDrawTarget::hidden()
            }
        };
        Self::on(target, Box::new(move || measured.size()), style, clock, Some(TICK))
    }

    /// Makes a view that is drawn each `tick`, or only when it is told to.
    fn on(
        target: impl Fn() -> ProgressDrawTarget + Send + 'static,
        size: Size,
        style: Style,
        clock: Arc<dyn Clock>,
        tick: Option<Duration>,
    ) -> Self {
        let view = Arc::new(Mutex::new(View {
            state: RunState::default(),
            heard: clock.elapsed(),
            clock: Arc::clone(&clock),
            style,
            size,
        }));
        let drawn = Arc::clone(&view);
        let make: Make = Box::new(move || {
            let bar = bar(target(), Arc::clone(&drawn));
            if let Some(tick) = tick {
                bar.enable_steady_tick(tick);
            }
            bar
        });
        Self {
            bar: Some(make()),
            make,
            view,
            clock,
            style,
            opened: false,
        }
    }

    fn say(&mut self, lines: &str) {
        self.bar.get_or_insert_with(&self.make).println(lines);
    }

    fn warn(&mut self, notice: &str) {
        let mark = self.style.paint(Paint::Caution, "!");
        let lines = text::wrap(notice, "! ", self.style.width).replacen('!', &mark, 1);
        self.say(&lines);
    }

    /// Leaves the terminal to a person who is asked, and takes it back when they have answered.
    fn step_aside(&mut self, state: &RunState) {
        if state.question.is_none() {
            self.bar.get_or_insert_with(&self.make);
        } else if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
            restore_echo();
        }
    }

    fn open(&mut self, state: &RunState) {
        self.opened = true;
        let title = text::wrap(&wording::title(state), "", self.style.width);
        self.say(&self.style.paint(Paint::Strong, title));
    }
}

impl Sink for Live {
    fn event(&mut self, event: &Event, state: &RunState) {
        {
            let mut view = lock(&self.view);
            view.heard = self.clock.elapsed();
            view.state.apply(event);
            // Events before the first one seen here, as on a resume, are known only to the engine's state.
            if !self.opened || view.state.seq != state.seq {
                view.state.clone_from(state);
            }
        }
        if !self.opened {
            self.open(state);
        }
        self.step_aside(state);
        match &event.body {
            Body::Run(Run::Cluster { .. }) => {
                if let Some(cluster) = &state.cluster {
                    let cluster = text::wrap(&wording::cluster(cluster), "", self.style.width);
                    self.say(&self.style.paint(Paint::Faint, cluster));
                }
            }
            Body::Run(Run::Noticed { notice }) => self.warn(notice),
            Body::Run(Run::Unjournaled { why }) => self.warn(&format!("The run goes on without a journal: {why}.")),
            Body::Run(Run::Vouched { what, reason }) => self.warn(&format!("Vouched for, {what}: {reason}")),
            Body::Run(Run::Finished { .. }) => {
                if let Some(bar) = &self.bar {
                    bar.finish_and_clear();
                }
                restore_echo();
            }
            Body::Step(Step::Finished { id, .. }) => {
                if let Some(step) = state.steps.iter().find(|step| step.step.id == *id)
                    && let StepStatus::Finished(outcome) = &step.status
                {
                    self.say(&row::finished(step, outcome, state, self.style));
                }
            }
            // All else shows at the next tick.
            _ => {}
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        restore_echo();
    }
}

/// Makes the moving lines of a view.
fn bar(target: ProgressDrawTarget, view: Arc<Mutex<View>>) -> ProgressBar {
    let key = move |_: &ProgressState, out: &mut dyn fmt::Write| {
        let _ = out.write_str(&lock(&view).draw());
    };
    // The template is fixed, so that it cannot be wrong; were it wrong, the bar would be plain but the run goes on.
    let look = ProgressStyle::with_template("{frame}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("frame", key);
    ProgressBar::with_draw_target(None, target)
        .with_style(look)
        .with_finish(ProgressFinish::AndClear)
}

impl View {
    fn draw(&self) -> String {
        if self.state.seq == 0 {
            return String::new();
        }
        let (rows, columns) = (self.size)();
        let style = Style {
            width: self.style.width.min(usize::from(columns)).max(20),
            ..self.style
        };
        let since = self.clock.elapsed().saturating_sub(self.heard);
        let now_ms = self.state.elapsed_ms + u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        frame(&self.state, now_ms, usize::from(rows).saturating_sub(1).max(1), style).join("\n")
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live")
            .field("seq", &lock(&self.view).state.seq)
            .finish_non_exhaustive()
    }
}

fn lock(view: &Mutex<View>) -> std::sync::MutexGuard<'_, View> {
    view.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use indicatif::InMemoryTerm;

    use super::*;
    use crate::clock::ManualClock;
    use crate::event::{NodePhase, Outcome, Phase, RunOutcome};
    use crate::report::story::{Story, story};

    /// A terminal of 24 rows and 80 columns in which a story was told up to some moment.
    struct Screen {
        term: InMemoryTerm,
        live: Live,
        clock: Arc<ManualClock>,
        state: RunState,
    }

    /// Makes a view that is drawn only when it is told to.
    fn still(term: &InMemoryTerm, rows: u16, style: Style, clock: &Arc<ManualClock>) -> Live {
        let term = term.clone();
        let target = move || ProgressDrawTarget::term_like(Box::new(Resting(term.clone())));
        let clock = Arc::clone(clock) as Arc<dyn Clock>;
        Live::on(target, Box::new(move || (rows, 80)), style, clock, None)
    }

    impl Live {
        fn tick(&self) {
            self.bar.iter().for_each(ProgressBar::tick);
        }
    }

    impl Screen {
        fn of(rows: u16, style: Style, story: Story) -> Self {
            let term = InMemoryTerm::new(rows, 80);
            let clock = Arc::new(ManualClock::default());
            let live = still(&term, rows, style, &clock);
            let mut screen = Self {
                term,
                live,
                clock,
                state: RunState::default(),
            };
            for event in story.events() {
                let until = Duration::from_millis(event.elapsed_ms);
                screen.clock.advance(until.saturating_sub(screen.clock.elapsed()));
                screen.state.apply(&event);
                screen.live.event(&event, &screen.state);
                screen.live.tick();
            }
            screen
        }

        fn after(&self, milliseconds: u64) -> String {
            self.clock.advance(Duration::from_millis(milliseconds));
            self.live.tick();
            self.term.contents()
        }
    }

    fn stuck() -> Story {
        story()
            .until_apps()
            .node(
                "apps",
                NodePhase::Progressing,
                "Synced, Progressing",
                &[("Application argocd/payments", "not ready")],
            )
            .node(
                "payments",
                NodePhase::Progressing,
                "OutOfSync, Missing",
                &[(
                    "Application argocd/cert-manager",
                    "CRD certificates.cert-manager.io is not there",
                )],
            )
            .node(
                "ingress-controller-of-the-western-region-1",
                NodePhase::Missing,
                "",
                &[],
            )
            .node("cert-manager", NodePhase::Progressing, "Synced, Progressing", &[])
            .node("shop", NodePhase::Ready, "Synced, Healthy", &[])
            .after(12_000)
            .node(
                "cert-manager",
                NodePhase::Failing,
                "Synced, Degraded",
                &[
                    (
                        "Deployment.apps cert-manager/cert-manager-webhook",
                        "0/1 ready: ImagePullBackOff registry.example.com/jetstack/webhook:v1.19",
                    ),
                    ("Pod a/b", "x"),
                ],
            )
            .intervened("payments", "refresh", "sync retries exhausted", 1)
            .intervened("payments", "refresh", "sync retries exhausted", 2)
    }

    #[test]
    fn a_stuck_run_shows_what_blocks_and_what_was_done() {
        let screen = Screen::of(24, Style::default(), stuck());
        insta::assert_snapshot!(screen.after(5_000), @r"
        restore shop-prod · run 01JD8QK4S5N7Z4G4V4W0H8R9XK · target 30m
        cluster https://10.0.0.7:6443 (uid 4f1c23ab…, empty)
        ✔ stores      7 secrets from vault, 1 from aws (fallback)                   2.1s
        ✔ interlock   empty as expected, permissions suffice                        0.4s
        ✔ agent       Argo CD v3.2.11 ready                                          41s
        ⠏ apps        1/5 ready · 1 failing · 1 missing                              17s
            cert-manager             failing · Synced, Degraded · holds back 3 · for 5s
              Deployment.apps cert-manager/cert-manager-webhook: 0/1 ready:
              ImagePullBackOff registry.example.com/jetstack/webhook:v1.19; and 1 more
            payments                 OutOfSync, Missing · holds back 2 · for 17s
              Application argocd/cert-manager: CRD certificates.cert-manager.io is not
              there
            apps                     Synced, Progressing · holds back 1 · for 17s
              Application argocd/payments: not ready
            ingress-cont…rn-region-1 missing · for 17s
            intervened for payments: refresh, 2 of 3 (sync retries exhausted)
          recovery 1m 00s of 30m
        ");
    }

    #[test]
    fn the_clock_goes_on_between_events() {
        let screen = Screen::of(24, Style::default(), story().until_apps());
        let before = screen.after(1_500);
        let later = screen.after(1_000);
        insta::assert_snapshot!(before.lines().last().unwrap(), @"  recovery 45s of 30m");
        insta::assert_snapshot!(later.lines().last().unwrap(), @"  recovery 46s of 30m");
    }

    #[test]
    fn what_is_expected_stands_beside_the_clock_until_it_came_later() {
        let told = Run::Expected {
            left_ms: 376_000,
            measured: 0,
            apps: 5,
        };
        let screen = Screen::of(24, Style::default(), story().until_apps().say(told));
        let last = |after| screen.after(after).lines().last().unwrap().to_owned();
        insta::assert_snapshot!(last(1_500), @"  recovery 45s of 30m · estimate 7m (guessed)");
        insta::assert_snapshot!(last(375_000), @"  recovery 7m 00s of 30m · later than its estimate of 7m");
    }

    #[test]
    fn a_step_of_less_than_a_second_shows_only_when_it_is_done() {
        let story = story()
            .after(100)
            .begin("interlock", Phase::Interlock, "prove that this is the right cluster");
        let screen = Screen::of(24, Style::default(), story);
        assert!(!screen.after(800).contains("interlock"));
        assert!(screen.after(300).contains("interlock"));
    }

    #[test]
    fn at_the_end_only_what_is_done_stays() {
        let story = stuck()
            .say(Run::Noticed {
                notice: "The agent's own URL of source `platform` does not answer; only our mirror does.".into(),
            })
            .end(
                "apps",
                Outcome::Done {
                    detail: "4/5 ready".into(),
                },
            )
            .finish(RunOutcome::Recovered, None);
        insta::assert_snapshot!(Screen::of(24, Style::default(), story).term.contents(), @r"
        restore shop-prod · run 01JD8QK4S5N7Z4G4V4W0H8R9XK · target 30m
        cluster https://10.0.0.7:6443 (uid 4f1c23ab…, empty)
        ✔ stores      7 secrets from vault, 1 from aws (fallback)                   2.1s
        ✔ interlock   empty as expected, permissions suffice                        0.4s
        ✔ agent       Argo CD v3.2.11 ready                                          41s
        ! The agent's own URL of source `platform` does not answer; only our mirror
          does.
        ✔ apps        4/5 ready                                                      12s
        ");
    }

    #[test]
    fn an_interrupt_that_the_terminal_echoes_leaves_no_trace() {
        let screen = Screen::of(24, Style::default(), stuck());
        let undisturbed = screen.after(100);
        indicatif::TermLike::write_str(&screen.term, "^C").unwrap();
        assert!(screen.term.contents().contains("^C"));
        assert_eq!(screen.after(0), undisturbed);
    }

    #[test]
    fn a_view_that_is_dropped_in_the_middle_wipes_its_moving_lines() {
        let screen = Screen::of(24, Style::default(), stuck());
        assert!(screen.after(100).contains("recovery"));
        let Screen { term, live, .. } = screen;
        drop(live);
        assert!(term.contents().ends_with("41s"), "{}", term.contents());
    }

    #[test]
    fn the_moving_lines_step_aside_while_a_person_is_asked_and_come_back_below() {
        let question = crate::event::Question {
            prompt: "Is the data back?".into(),
            ..crate::event::Question::default()
        };
        let asked = stuck().say(Step::Asked {
            id: "apps".into(),
            question,
        });
        let screen = Screen::of(24, Style::default(), asked);
        assert!(screen.after(5_000).ends_with("41s"), "{}", screen.after(0));
        indicatif::TermLike::write_line(&screen.term, "? Is the data back?").unwrap();
        let asked = screen.after(60_000);
        assert!(asked.ends_with("41s\n? Is the data back?"), "{asked}");

        let Screen {
            term,
            mut live,
            clock,
            mut state,
        } = screen;
        let answered = crate::event::Event {
            seq: state.seq + 1,
            at: state.last_at.unwrap(),
            elapsed_ms: u64::try_from(clock.elapsed().as_millis()).unwrap(),
            body: Body::Step(Step::Answered {
                id: "apps".into(),
                approved: true,
                by: "ann".into(),
                comment: String::new(),
            }),
        };
        state.apply(&answered);
        live.event(&answered, &state);
        live.tick();
        let text = term.contents();
        let (above, below) = text.split_once("? Is the data back?").unwrap();
        assert!(!above.contains("recovery") && below.contains("recovery 2m"), "{text}");
    }

    #[test]
    fn a_low_terminal_keeps_the_recovery_time() {
        let screen = Screen::of(6, Style::default(), stuck());
        insta::assert_snapshot!(screen.after(5_000), @r"
        ✔ agent       Argo CD v3.2.11 ready                                          41s
        ⠏ apps        1/5 ready · 1 failing · 1 missing                              17s
            cert-manager             failing · Synced, Degraded · holds back 3 · for 5s
              Deployment.apps cert-manager/cert-manager-webhook: 0/1 ready:
            … and 3 more
          recovery 1m 00s of 30m
        ");
    }

    #[test]
    fn past_the_target_it_says_by_how_much() {
        let screen = Screen::of(24, Style::default(), story().until_apps());
        insta::assert_snapshot!(screen.after(1_800_000).lines().last().unwrap(), @"  recovery 30m 43s of 30m · over by 43s");
    }

    #[test]
    fn no_picture_is_wider_than_the_terminal_and_none_has_colour_where_there_is_none() {
        let state = stuck().state();
        for width in [20, 40, 80, 132] {
            let plain = Style { colour: false, width };
            let lines = frame(&state, 90_000, 23, plain);
            for line in &lines {
                assert!(console::measure_text_width(line) <= width, "{width}: {line}");
                assert!(!line.contains('\u{1b}'), "{line:?}");
            }
            let colourful = frame(&state, 90_000, 23, Style { colour: true, width });
            let bare: Vec<_> = colourful
                .iter()
                .map(|line| console::strip_ansi_codes(line).into_owned())
                .collect();
            assert_eq!(bare, lines);
        }
    }

    #[test]
    fn a_view_that_joins_late_knows_what_came_before() {
        let whole = stuck();
        let state = whole.state();
        let events = whole.events();
        let term = InMemoryTerm::new(24, 80);
        let mut live = still(&term, 24, Style::default(), &Arc::default());
        live.event(events.last().unwrap(), &state);
        live.tick();
        assert!(term.contents().contains("1/5 ready"), "{}", term.contents());
    }
}
