//! The end of every run, and the whole of `gitops-dr report RUN`.

use std::fmt::Write as _;
use std::path::Path;

use super::blocking::blocking;
use super::causes::causes;
use super::failure::reasons;
use super::outcome::{cause, is_resumable, outcome};
use super::style::{Paint, Style};
use super::timetable::timetable;
use super::{text, wording};
use crate::event::{Outcome, RunOutcome, RunState, StepStatus};
use crate::rto::{Recovery, Verdict, duration};

/// How many nodes that are not ready are told, each with all that blocks it.
const MOST_NODES: usize = 20;
/// A body of more lines than this pushes the first line off a screen.
const SCREEN: usize = 20;
/// How many interventions are told.
const MOST_INTERVENTIONS: usize = 10;

/// Draws how a run went: the outcome in one sentence, why it failed and what is not ready, recovery time by phase, what
/// is not plain success, what is left to do by hand, and where the record is. Ends with a line break.
///
/// `journal` is the run's journal, if there is one.
pub fn summary(state: &RunState, style: Style, journal: Option<&Path>) -> String {
    let recovery = Recovery::of(state);
    let body: String = [
        why(state, style),
        not_ready(state, style),
        times(state, &recovery, style),
        exceptions(state, style),
        interventions(state, style),
        list("vouched for by a person", &vouched(state), style),
        list("left to do by hand", &state.left_to_do, style),
        list("notices", &state.notices, style),
    ]
    .into_iter()
    .filter(|section| !section.is_empty())
    .flat_map(|section| ["\n".to_owned(), section])
    .collect();
    let outcome = sentence(state, &recovery, style);
    // Whoever looks at a terminal sees its last lines: a long report says at its end again how the run ended.
    let again = if body.lines().count() > SCREEN {
        outcome.as_str()
    } else {
        ""
    };
    let end = format!("{again}{}", footer(state, style, journal));
    let gap = if end.is_empty() { "" } else { "\n" };
    format!("{}{outcome}{body}{gap}{end}", title(state, style))
}

fn title(state: &RunState, style: Style) -> String {
    let mut lines = style.paint(Paint::Faint, text::wrap(&wording::title(state), "", style.width)) + "\n";
    if let Some(cluster) = &state.cluster {
        let cluster = text::wrap(&wording::cluster(cluster), "", style.width);
        let _ = writeln!(lines, "{}", style.paint(Paint::Faint, cluster));
    }
    lines
}

fn sentence(state: &RunState, recovery: &Recovery, style: Style) -> String {
    let paint = match (&state.finished, recovery.verdict) {
        (Some((RunOutcome::Recovered, _)), Verdict::Missed { .. }) => Paint::Caution,
        (Some((RunOutcome::Recovered, _)), _) if state.exceptions.is_empty() => Paint::Good,
        (Some((RunOutcome::Failed | RunOutcome::Refused, _)), _) => Paint::Bad,
        _ => Paint::Caution,
    };
    let mut lines = String::new();
    let sentence = text::wrap(&outcome(state), "", style.width);
    // Each line is painted by itself, for some pagers drop a colour at the end of a line.
    for line in sentence.lines() {
        let _ = writeln!(lines, "{}", style.paint(paint, line));
    }
    lines
}

fn why(state: &RunState, style: Style) -> String {
    let Some(failure) = cause(state) else {
        return String::new();
    };
    let failed = state
        .steps
        .iter()
        .filter(|step| matches!(step.status, StepStatus::Finished(Outcome::Failed { .. })))
        .map(|step| {
            let id = &step.step.id;
            let id = id.strip_prefix("step/").unwrap_or(id);
            format!("  in step {}: {}\n", text::line(id), text::line(&step.step.title))
        });
    let failed: String = failed.collect();
    let says_why = !failed.is_empty() || !failure.causes.is_empty();
    let body = failed + &reasons(failure, style);
    // Of a run that was ended by a person or its deadline the step says nothing: what was not ready is told below.
    if failure.causes.is_empty() && failure.hints.is_empty() {
        return String::new();
    }
    let title = if says_why { "why" } else { "what to do" };
    section(title, &body, style)
}

fn not_ready(state: &RunState, style: Style) -> String {
    let nodes = blocking(state);
    let width = nodes
        .iter()
        .take(MOST_NODES)
        .map(|node| node.node.node.name.chars().count())
        .max()
        .unwrap_or(0);
    let width = width.clamp(8, 28);
    let mut body = String::new();
    for blocking in nodes.iter().take(MOST_NODES) {
        let node = &blocking.node.node;
        let name = text::pad(&text::fit_name(&node.name, width), width);
        let _ = writeln!(
            body,
            "  {}  {}",
            style.paint(Paint::Strong, name),
            wording::standing(*blocking)
        );
        for cause in causes(&node.blocked_by) {
            let _ = writeln!(body, "{}", text::wrap(&cause, "    ", style.width));
        }
    }
    if let Some(more @ 1..) = nodes.len().checked_sub(MOST_NODES) {
        let _ = writeln!(body, "  … and {more} more");
    }
    let title = format!("not ready: {} of {}", nodes.len(), state.nodes.len());
    section(&title, &body, style)
}

fn times(state: &RunState, recovery: &Recovery, style: Style) -> String {
    if matches!(state.finished, Some((RunOutcome::Refused, _))) {
        return String::new();
    }
    let mut drawn = section("recovery time by phase", &timetable(recovery, style), style);
    if !recovery.slowest.is_empty() {
        let slowest: Vec<_> = recovery
            .slowest
            .iter()
            .map(|slow| format!("{} {}", text::fit_name(&slow.name, 28), duration(slow.took_ms)))
            .collect();
        let _ = writeln!(
            drawn,
            "{}",
            text::wrap(&slowest.join(", "), "  slowest    ", style.width)
        );
    }
    drawn
}

fn exceptions(state: &RunState, style: Style) -> String {
    let mut body = String::new();
    for exception in &state.exceptions {
        let told = format!("{}: {}", exception.subject, exception.what);
        let _ = writeln!(body, "{}", text::wrap(&told, "  - ", style.width));
        if !exception.reason.is_empty() {
            let reason = format!("accepted: {}", exception.reason);
            let _ = writeln!(body, "{}", text::wrap(&reason, "    ", style.width));
        }
    }
    section(
        &text::count(state.exceptions.len(), "exception", "exceptions"),
        &body,
        style,
    )
}

fn interventions(state: &RunState, style: Style) -> String {
    let skipped = state.interventions.len().saturating_sub(MOST_INTERVENTIONS);
    let mut body = String::new();
    if skipped > 0 {
        let _ = writeln!(body, "  … {skipped} earlier ones are in the journal");
    }
    for intervention in state.interventions.iter().skip(skipped) {
        let told = wording::intervention(state, intervention);
        let _ = writeln!(body, "{}", text::wrap(&told, "  - ", style.width));
    }
    section(
        &text::count(state.interventions.len(), "intervention", "interventions"),
        &body,
        style,
    )
}

fn list(title: &str, items: &[String], style: Style) -> String {
    let body: String = items
        .iter()
        .map(|item| text::wrap(item, "  - ", style.width) + "\n")
        .collect();
    section(title, &body, style)
}

fn vouched(state: &RunState) -> Vec<String> {
    let vouched = state.vouched.iter();
    let vouched = vouched.map(|(what, reason)| format!("{what}: {reason}"));
    let answers = state.answers.iter().map(|answer| {
        let said = match (answer.approved, answer.comment.as_str()) {
            (false, _) => "refused",
            (true, "") => "approved",
            (true, comment) => comment,
        };
        let at = answer.at.strftime("%Y-%m-%d %H:%M:%SZ");
        format!("{}: {said} (asked at the terminal: {}, {at})", answer.step, answer.by)
    });
    vouched.chain(answers).collect()
}

fn footer(state: &RunState, style: Style, journal: Option<&Path>) -> String {
    let mut lines = String::new();
    let run = state.run.as_ref().map(|run| text::line(&run.0));
    if let Some(run) = &run
        && is_resumable(state)
    {
        let words = std::iter::once(&state.file).chain(&state.arguments);
        let words: Vec<_> = words.map(|word| text::quote(word)).collect();
        let _ = writeln!(
            lines,
            "resume   {}",
            style.paint(
                Paint::Strong,
                format!("gitops-dr restore {} --resume={run}", words.join(" "))
            )
        );
    }
    // A journal that was given up ends in the middle: to point at it would mislead.
    if let Some(journal) = journal.filter(|_| state.is_journaled) {
        let _ = writeln!(lines, "journal  {}", text::line(&journal.display().to_string()));
        if let Some(run) = &run {
            let place = state.arguments.iter().find(|argument| argument.starts_with("--state="));
            let place = place
                .map(|place| format!(" {}", text::quote(place)))
                .unwrap_or_default();
            let _ = writeln!(lines, "again    gitops-dr report {run}{place}");
        }
    }
    lines
}

/// Puts a title over a body; nothing over nothing.
fn section(title: &str, body: &str, style: Style) -> String {
    if body.is_empty() {
        return String::new();
    }
    format!("{}\n{body}", style.paint(Paint::Strong, title))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, Failure, NodePhase, Phase, Question, Run, Step};
    use crate::report::story::{Story, story};

    fn drawn(story: &Story) -> String {
        summary(
            &story.state(),
            Style::default(),
            Some(Path::new("/var/lib/gitops-dr/01JD8QK4S5N7Z4G4V4W0H8R9XK.jsonl")),
        )
    }

    /// The whole platform comes back in 4m 55s.
    fn recovery() -> Story {
        story()
            .until_apps()
            .node("apps", NodePhase::Progressing, "Synced, Progressing", &[])
            .node("ingress", NodePhase::Progressing, "Synced, Progressing", &[])
            .node("payments", NodePhase::Missing, "", &[])
            .after(62_000)
            .node("ingress", NodePhase::Ready, "Synced, Healthy", &[])
            .node("payments", NodePhase::Progressing, "OutOfSync, Missing", &[])
            .intervened("payments", "refresh", "sync retries exhausted", 1)
            .after(187_300)
            .node("payments", NodePhase::Ready, "Synced, Healthy", &[])
            .node("apps", NodePhase::Ready, "Synced, Healthy", &[])
            .done("apps", "3/3 ready")
            .begin("done", Phase::Checks, "check that the shop answers")
            .after(1_800)
            .done("done", "https://shop.example.com/healthz answers 200")
    }

    #[test]
    fn a_recovery_says_how_long_it_took_and_where_the_time_went() {
        insta::assert_snapshot!(drawn(&recovery().finish(RunOutcome::Recovered, None)), @r"
        restore shop-prod · run 01JD8QK4S5N7Z4G4V4W0H8R9XK · target 30m
        cluster https://10.0.0.7:6443 (uid 4f1c23ab…, empty)
        recovered in 4m 55s, target 30m met

        recovery time by phase
          prepare        2.1s  ▏
          interlock      0.4s
          agent           41s  ████▌
          apps         4m 09s  ████████████████████████████
          checks         1.8s  ▏
          total        4m 55s  of 30m
          slowest    payments 3m 07s, ingress 1m 02s

        1 intervention
          - payments: refresh, 1 of 3 (sync retries exhausted)

        journal  /var/lib/gitops-dr/01JD8QK4S5N7Z4G4V4W0H8R9XK.jsonl
        again    gitops-dr report 01JD8QK4S5N7Z4G4V4W0H8R9XK
        ");
    }

    #[test]
    fn the_time_of_a_person_is_counted_apart() {
        let question = Question {
            prompt: "Is the data back?".into(),
            ..Question::default()
        };
        let id = || "step/data".to_owned();
        let story = story()
            .until_apps()
            .after(10_000)
            .done("apps", "3/3 ready")
            .begin("step/data", Phase::Apps, "ask: Is the data back?")
            .say(Step::Asked { id: id(), question })
            .after(120_000)
            .say(Step::Answered {
                id: id(),
                approved: true,
                by: "ann".into(),
                comment: "seen".into(),
            })
            .done("step/data", "approved by ann: seen")
            .say(Run::Vouched {
                what: "approve dns".into(),
                reason: "ticket 4711".into(),
            })
            .finish(RunOutcome::Recovered, None);
        insta::assert_snapshot!(drawn(&story), @r"
        restore shop-prod · run 01JD8QK4S5N7Z4G4V4W0H8R9XK · target 30m
        cluster https://10.0.0.7:6443 (uid 4f1c23ab…, empty)
        recovered in 2m 53s, of it 2m 00s waiting for a person, target 30m met

        recovery time by phase
          prepare        2.1s  ▌
          interlock      0.4s
          agent           41s  █████████▌
          apps            10s  ██▎
          person       2m 00s  ████████████████████████████
          total        2m 53s  of 30m

        vouched for by a person
          - approve dns: ticket 4711
          - step/data: seen (asked at the terminal: ann, 2026-11-21 03:14:53Z)

        journal  /var/lib/gitops-dr/01JD8QK4S5N7Z4G4V4W0H8R9XK.jsonl
        again    gitops-dr report 01JD8QK4S5N7Z4G4V4W0H8R9XK
        ");
    }

    #[test]
    fn what_is_not_plain_success_is_said_with_its_reason_and_so_is_what_is_left_to_do() {
        let story = recovery()
            .excepted("Application argocd/reports", "Suspended", "switched off until the new year, see ticket 4711")
            .excepted("Application argocd/legacy", "left out", "")
            .say(Run::LeftToDo { lasting: false, what: "Let the name shop.example.com point at the new load balancer 203.0.113.7; its time to live is 300 s.".into() })
            .say(Run::Noticed { notice: "No `server.secretkey` was stored: a new one was made, and every session has ended.".into() })
            .after(1_600_000)
            .finish(RunOutcome::Recovered, None);
        insta::assert_snapshot!(drawn(&story), @r"
        restore shop-prod · run 01JD8QK4S5N7Z4G4V4W0H8R9XK · target 30m
        cluster https://10.0.0.7:6443 (uid 4f1c23ab…, empty)
        recovered with 2 exceptions in 31m 35s, target 30m missed by 1m 35s

        recovery time by phase
          prepare        2.1s
          interlock      0.4s
          agent           41s  ▋
          apps         4m 09s  ████▎
          checks         1.8s
          between     26m 40s  ████████████████████████████
          total       31m 35s  of 30m
          slowest    payments 3m 07s, ingress 1m 02s

        2 exceptions
          - Application argocd/reports: Suspended
            accepted: switched off until the new year, see ticket 4711
          - Application argocd/legacy: left out

        1 intervention
          - payments: refresh, 1 of 3 (sync retries exhausted)

        left to do by hand
          - Let the name shop.example.com point at the new load balancer 203.0.113.7;
            its time to live is 300 s.

        notices
          - No `server.secretkey` was stored: a new one was made, and every session has
            ended.

        recovered with 2 exceptions in 31m 35s, target 30m missed by 1m 35s
        journal  /var/lib/gitops-dr/01JD8QK4S5N7Z4G4V4W0H8R9XK.jsonl
        again    gitops-dr report 01JD8QK4S5N7Z4G4V4W0H8R9XK
        ");
    }

    #[test]
    fn a_failure_names_the_step_its_causes_the_mend_and_the_way_on() {
        let failure = Failure {
            message: "Argo CD is not ready".into(),
            causes: vec![
                "Deployment argocd/argocd-repo-server: 0/1 ready".into(),
                "ImagePullBackOff registry.example.com/argocd:v3.2.11: 403 Forbidden".into(),
            ],
            hints: vec![
                "give the pull secret `regcred` a user that may read `argocd`, then go on with this run".into(),
            ],
        };
        let story = story()
            .begin("agent", Phase::Agent, "install Argo CD from platform/bootstrap/argocd")
            .after(312_000)
            .end(
                "agent",
                Outcome::Failed {
                    failure: failure.clone(),
                },
            )
            .finish(RunOutcome::Failed, Some(failure));
        insta::assert_snapshot!(drawn(&story), @r"
        restore shop-prod · run 01JD8QK4S5N7Z4G4V4W0H8R9XK · target 30m
        cluster https://10.0.0.7:6443 (uid 4f1c23ab…, empty)
        failed after 5m 12s: Argo CD is not ready

        why
          in step agent: install Argo CD from platform/bootstrap/argocd
          1. Deployment argocd/argocd-repo-server: 0/1 ready
          2. ImagePullBackOff registry.example.com/argocd:v3.2.11: 403 Forbidden
          hint: give the pull secret `regcred` a user that may read `argocd`, then go on
                with this run

        recovery time by phase
          agent        5m 12s  ████████████████████████████
          total        5m 12s  of 30m

        resume   gitops-dr restore runbooks/prod.yaml --resume=01JD8QK4S5N7Z4G4V4W0H8R9XK
        journal  /var/lib/gitops-dr/01JD8QK4S5N7Z4G4V4W0H8R9XK.jsonl
        again    gitops-dr report 01JD8QK4S5N7Z4G4V4W0H8R9XK
        ");
    }

    #[test]
    fn a_refusal_says_that_nothing_was_changed() {
        let failure = Failure::new("the cluster is not empty: 14 Applications in namespace argocd")
            .hint("name another context, or say `expect: adopt` in the runbook");
        let story = story()
            .begin("interlock", Phase::Interlock, "prove that this is the right cluster")
            .after(300)
            .finish(RunOutcome::Refused, Some(failure));
        insta::assert_snapshot!(drawn(&story), @r"
        restore shop-prod · run 01JD8QK4S5N7Z4G4V4W0H8R9XK · target 30m
        cluster https://10.0.0.7:6443 (uid 4f1c23ab…, empty)
        refused, nothing was changed: the cluster is not empty: 14 Applications in
        namespace argocd

        what to do
          hint: name another context, or say `expect: adopt` in the runbook

        journal  /var/lib/gitops-dr/01JD8QK4S5N7Z4G4V4W0H8R9XK.jsonl
        again    gitops-dr report 01JD8QK4S5N7Z4G4V4W0H8R9XK
        ");
    }

    #[test]
    fn a_deadline_names_all_that_is_not_ready_the_culprit_first() {
        let story = story()
            .until_apps()
            .node("apps", NodePhase::Progressing, "Synced, Progressing", &[("Application.argoproj.io argocd/checkout", "Progressing")])
            .node("checkout", NodePhase::Progressing, "OutOfSync, Missing", &[("Application argocd/cert-manager", "not ready")])
            .node("cert-manager", NodePhase::Progressing, "Synced, Progressing", &[("Deployment.apps cert-manager/webhook", "0/1 ready: ImagePullBackOff registry.example.com/jetstack/cert-manager-webhook:v1.19: 403 Forbidden"), ("Pod cert-manager/webhook-5d8f", "back-off\u{1b}[2J pulling image")])
            .node("payments", NodePhase::Ready, "Synced, Healthy", &[])
            .after(556_000)
            .say(Run::Stopping { reason: "the deadline of 10m has passed".into() })
            .finish(RunOutcome::DeadlinePassed, Some(Failure::new("the deadline of 10m has passed")));
        insta::assert_snapshot!(drawn(&story), @r"
        restore shop-prod · run 01JD8QK4S5N7Z4G4V4W0H8R9XK · target 30m
        cluster https://10.0.0.7:6443 (uid 4f1c23ab…, empty)
        deadline passed after 9m 59s with 1/4 ready, resumable

        not ready: 3 of 4
          cert-manager  Synced, Progressing · holds back 2
            Deployment.apps cert-manager/webhook: 0/1 ready: ImagePullBackOff
            registry.example.com/jetstack/cert-manager-webhook:v1.19: 403 Forbidden
            Pod cert-manager/webhook-5d8f: back-off [2J pulling image
          checkout      OutOfSync, Missing · holds back 1
            Application argocd/cert-manager: not ready
          apps          Synced, Progressing
            Application.argoproj.io argocd/checkout: Progressing

        recovery time by phase
          prepare        2.1s
          interlock      0.4s
          agent           41s  ██
          apps         9m 16s  ████████████████████████████
          total        9m 59s  of 30m

        resume   gitops-dr restore runbooks/prod.yaml --resume=01JD8QK4S5N7Z4G4V4W0H8R9XK
        journal  /var/lib/gitops-dr/01JD8QK4S5N7Z4G4V4W0H8R9XK.jsonl
        again    gitops-dr report 01JD8QK4S5N7Z4G4V4W0H8R9XK
        ");
    }

    #[test]
    fn an_interrupted_run_and_one_that_ends_in_the_middle_can_both_go_on() {
        let cut = story().until_apps().after(60_000).progress("apps", 0, None, "");
        insta::assert_snapshot!(outcome(&cut.state()), @"not finished: its record ends after 1m 43s");
        assert!(drawn(&cut).contains("--resume=01JD8QK4S5N7Z4G4V4W0H8R9XK"));
        let interrupted = cut.after(3_000).finish(RunOutcome::Interrupted, None);
        insta::assert_snapshot!(outcome(&interrupted.state()), @"interrupted after 1m 46s, resumable");
        assert!(drawn(&interrupted).contains("--resume=01JD8QK4S5N7Z4G4V4W0H8R9XK"));
    }

    #[test]
    fn a_report_from_the_journal_equals_the_one_made_live() {
        let live = recovery().excepted("a", "b", "c").finish(RunOutcome::Recovered, None);
        let said = drawn(&live);
        let events = live.events();
        let read: Vec<Event> = events
            .iter()
            .map(|event| serde_json::from_str(&serde_json::to_string(event).unwrap()).unwrap())
            .collect();
        let journal = Path::new("/var/lib/gitops-dr/01JD8QK4S5N7Z4G4V4W0H8R9XK.jsonl");
        assert_eq!(summary(&RunState::of(&read), Style::default(), Some(journal)), said);
    }

    #[test]
    fn colours_change_nothing_but_the_colours() {
        let state = recovery()
            .excepted("a", "b", "c")
            .finish(RunOutcome::Recovered, None)
            .state();
        let colourful = Style {
            colour: true,
            width: 80,
        };
        let plain = summary(&state, Style::default(), None);
        assert!(!plain.contains('\u{1b}'));
        assert_eq!(console::strip_ansi_codes(&summary(&state, colourful, None)), plain);
    }

    #[test]
    fn no_line_but_a_command_is_wider_than_the_page() {
        let words = "ImagePullBackOff ".repeat(20);
        let story = story()
            .until_apps()
            .node(
                &"very-long-name-".repeat(10),
                NodePhase::Failing,
                "Synced, Degraded",
                &[("Deployment.apps a/b", &words)],
            )
            .say(Run::Noticed { notice: words.clone() })
            .finish(RunOutcome::Failed, Some(Failure::new(words).hint("wait ".repeat(40))));
        for line in drawn(&story).lines().filter(|line| !line.contains("gitops-dr")) {
            assert!(console::measure_text_width(line) <= 80, "{line}");
        }
    }
}
