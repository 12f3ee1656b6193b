//! A run where there is no terminal: one plain line for each transition.

use std::collections::HashMap;
use std::io::Write;

use crate::event::{
    Blocker, Body, Event, Node, NodePhase, NodeState, Outcome, Phase, Run, RunState, Sink, Step, StepState,
};
use crate::report::blocking::blocking;
use crate::report::estimate::estimate;
use crate::report::{text, wording};
use crate::rto::duration;

/// After how long a run that goes on is heard of again, in milliseconds of the run.
const HEARTBEAT_MS: u64 = 30_000;
/// How many blocking nodes a heartbeat names.
const NAMED: usize = 3;
/// A node whose reason keeps changing is told again at most this often, in milliseconds: each that is failing, and of those on
/// their way the one that is named first, whichever that is.
const REASON_MS: u64 = 10_000;

/// Writes one line for each transition, each beginning with the time since the run started: no colours, no repeats, and
/// a heartbeat every 30 seconds of the run that says what blocks.
#[derive(Debug)]
pub struct Lines<W> {
    out: W,
    opened: bool,
    heard_ms: u64,
    /// When a node on its way was last told again for another reason.
    reason_ms: u64,
    told: HashMap<String, Told>,
}

/// What was last told of a node.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    phase: NodePhase,
    blocker: Option<Blocker>,
    at_ms: u64,
}

impl<W: Write> Lines<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self {
            out,
            opened: false,
            heard_ms: 0,
            reason_ms: 0,
            told: HashMap::new(),
        }
    }

    fn say(&mut self, elapsed_ms: u64, what: &str) {
        let time = text::pad_left(&duration(elapsed_ms), 7);
        // Trouble of a sink must never stop a recovery.
        let _ = writeln!(self.out, "{time}  {}", text::line(what));
    }

    fn open(&mut self, event: &Event, state: &RunState) {
        self.opened = true;
        self.heard_ms = event.elapsed_ms;
        let goes_on = if matches!(event.body, Body::Run(Run::Started { .. })) {
            ""
        } else {
            " · goes on"
        };
        let utc = event.at.strftime("%Y-%m-%dT%H:%M:%SZ");
        let title = wording::title(state);
        self.say(
            event.elapsed_ms,
            &format!("{utc} {title}{goes_on} · gitops-dr {}", state.program),
        );
    }

    fn node(&mut self, node: &Node, state: &RunState) {
        let at_ms = state.elapsed_ms;
        let now = Told {
            phase: node.phase,
            blocker: node.blocked_by.first().cloned(),
            at_ms,
        };
        let before = self.told.get(&node.id);
        let is_news = self.is_news(before, &now)
            && blocking(state)
                .first()
                .is_some_and(|first| first.node.node.id == node.id);
        if is_news {
            self.reason_ms = at_ms;
        }
        if !is_news && !is_transition(before, &now) {
            // The phase is kept even if it is not worth a line, so that the next one is compared with it.
            if before.is_none() {
                self.told.insert(node.id.clone(), now);
            }
            return;
        }
        let line = node_line(node, state);
        self.told.insert(node.id.clone(), now);
        self.say(at_ms, &line);
    }

    /// Whether a node that is on its way waits for another object, or for another reason of it, than was told.
    fn is_news(&self, before: Option<&Told>, now: &Told) -> bool {
        let names_object = now.blocker.as_ref().is_some_and(|blocker| !blocker.object.is_empty());
        let is_due = |at_ms: u64| now.at_ms >= at_ms.saturating_add(REASON_MS);
        now.phase == NodePhase::Progressing
            && names_object
            && before.is_some_and(|before| before.blocker != now.blocker && is_due(before.at_ms))
            && is_due(self.reason_ms)
    }

    fn heartbeat(&mut self, state: &RunState) {
        if state.elapsed_ms < self.heard_ms + HEARTBEAT_MS || state.finished.is_some() {
            return;
        }
        self.heard_ms = state.elapsed_ms;
        let Some(step) = state.running() else { return };
        let shows_nodes = step.step.phase == Phase::Apps && !state.nodes.is_empty();
        let (progress, nodes) = if shows_nodes {
            (wording::counts(state), blocking(state))
        } else {
            (wording::progress(step), Vec::new())
        };
        let blocked: Vec<_> = nodes
            .iter()
            .take(NAMED)
            .map(|blocking| named(&blocking.node.node))
            .collect();
        let blocked = if blocked.is_empty() {
            String::new()
        } else {
            format!(" · waiting for {}", blocked.join(" | "))
        };
        let expected = estimate(state, state.elapsed_ms);
        let expected = expected.map(|expected| format!(" · {expected}")).unwrap_or_default();
        self.say(
            state.elapsed_ms,
            &format!("{}: {progress}{expected}{blocked}", step.step.id),
        );
    }
}

impl<W: Write + Send> Sink for Lines<W> {
    fn event(&mut self, event: &Event, state: &RunState) {
        if !self.opened {
            self.open(event, state);
        }
        match &event.body {
            Body::Run(run) => {
                if let Some(line) = run_line(run, state) {
                    self.say(event.elapsed_ms, &line);
                }
            }
            Body::Step(step) => {
                if let Some(line) = step_line(step, state) {
                    self.say(event.elapsed_ms, &line);
                }
            }
            Body::Node(node) => self.node(node, state),
            Body::Intervention(intervention) => {
                let line = format!("intervened for {}", wording::intervention(state, intervention));
                self.say(event.elapsed_ms, &line);
            }
            Body::Unknown => {}
        }
        self.heartbeat(state);
        let _ = self.out.flush();
    }
}

fn run_line(run: &Run, state: &RunState) -> Option<String> {
    match run {
        Run::Cluster { context, version, .. } => {
            let cluster = state.cluster.as_ref().map(wording::cluster)?;
            Some(format!("{cluster} · Kubernetes {version} · context {context}"))
        }
        Run::Planned {
            digest,
            revisions,
            steps,
            ..
        } => {
            let steps = text::count(steps.len(), "step", "steps");
            let sources = revisions
                .iter()
                .map(|(source, commit)| format!(" · {source} at {}", wording::short(commit)));
            Some(format!(
                "plan of {steps}, digest {}{}",
                wording::short(digest),
                sources.collect::<String>()
            ))
        }
        Run::Unjournaled { why } => Some(format!("notice: the run goes on without a journal: {why}")),
        Run::Noticed { notice } => Some(format!("notice: {notice}")),
        Run::Vouched { what, reason } => Some(format!("vouched for, {what}: {reason}")),
        Run::SourceMoved {
            source,
            from,
            to,
            rewritten,
        } => {
            let moved = if *rewritten { "was rewritten" } else { "has moved" };
            let (from, to) = (wording::short(from), wording::short(to));
            Some(format!("source {source} {moved}: {from} before, {to} now"))
        }
        Run::Remote { cluster, server, .. } => Some(format!("rebuilt cluster {cluster}: {server}")),
        Run::LeftToDo { what, .. } => Some(format!("left to do by hand: {what}")),
        Run::Excepted(exception) => Some(format!(
            "exception: {}: {} (accepted: {})",
            exception.subject, exception.what, exception.reason
        )),
        Run::Recovered => Some("recovered: the critical apps are ready and the checks passed; the rest goes on".into()),
        Run::Stopping { reason } => Some(format!("stopping: {reason}; what is under way ends first")),
        Run::Finished { .. } => Some(crate::report::outcome(state)),
        Run::GoesOn {
            with,
            since_ms,
            recovery_ms,
            ..
        } => {
            let since = duration(recovery_ms.unwrap_or(*since_ms));
            let stands = if recovery_ms.is_some() { "stopped" } else { "stands" };
            Some(format!(
                "goes on with run {with}: the recovery clock {stands} at {since}"
            ))
        }
        Run::Started { .. } | Run::Follows { .. } | Run::Foreseen { .. } | Run::Expected { .. } | Run::Unknown => None,
    }
}

fn step_line(event: &Step, state: &RunState) -> Option<String> {
    let id = event.id();
    match event {
        Step::Started(step) => Some(format!("{id}: {}", step.title)),
        Step::Finished { outcome, .. } => {
            let took = state.steps.iter().find(|step| step.step.id == id).and_then(took);
            let took = took.map(|took| format!(" in {}", duration(took))).unwrap_or_default();
            Some(match outcome {
                Outcome::Done { detail } if detail.is_empty() => format!("{id}: done{took}"),
                Outcome::Done { detail } => format!("{id}: done{took}, {detail}"),
                Outcome::Skipped { detail } => format!("{id}: nothing to do, {detail}"),
                Outcome::Failed { failure } => {
                    let chain = std::iter::once(&failure.message).chain(&failure.causes);
                    let chain: Vec<_> = chain.map(String::as_str).collect();
                    format!("{id}: failed{took}, {}", chain.join(": "))
                }
            })
        }
        Step::Asked { question, .. } => Some(format!("{id}: asks: {}", question.prompt)),
        Step::Answered {
            approved, by, comment, ..
        } => {
            let answer = if *approved { "approved" } else { "refused" };
            let comment = Some(comment).filter(|comment| !comment.is_empty());
            let comment = comment.map(|comment| format!(": {comment}")).unwrap_or_default();
            Some(format!("{id}: {answer} by {by}{comment}"))
        }
        Step::Output { line, .. } => Some(format!("{id}: | {line}")),
        Step::Progress { .. } | Step::Unknown => None,
    }
}

fn took(step: &StepState) -> Option<u64> {
    Some(step.finished_ms?.saturating_sub(step.started_ms?))
}

/// Whether a person wants to hear of it. That a node waits its turn is what is expected when it is first seen.
fn is_transition(before: Option<&Told>, now: &Told) -> bool {
    match before {
        None => !matches!(now.phase, NodePhase::Missing | NodePhase::Progressing),
        Some(before) if before.phase != now.phase => true,
        Some(before) => {
            now.phase == NodePhase::Failing
                && before.blocker != now.blocker
                && now.at_ms >= before.at_ms.saturating_add(REASON_MS)
        }
    }
}

fn node_line(node: &Node, state: &RunState) -> String {
    let known = state.nodes.get(&node.id);
    let phase = wording::phase(node.phase);
    if node.phase.is_settled() {
        let after = known
            .and_then(since_begun)
            .map(|took| format!(" after {}", duration(took)));
        let (ready, known) = state.ready();
        return format!("{} {phase}{} ({ready}/{known})", node.name, after.unwrap_or_default());
    }
    let words = if node.words.is_empty() {
        String::new()
    } else {
        format!(" ({})", node.words)
    };
    let why = wording::blockers(node, NAMED)
        .map(|why| format!(": {why}"))
        .unwrap_or_default();
    format!("{} {phase}{words}{why}", node.name)
}

fn since_begun(node: &NodeState) -> Option<u64> {
    Some(node.ready_ms?.saturating_sub(node.begun_ms?)).filter(|took| *took > 0)
}

fn named(node: &Node) -> String {
    match wording::blockers(node, 1) {
        Some(why) => format!("{}: {why}", node.name),
        None => format!("{}: {}", node.name, node.words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Failure, RunOutcome};
    use crate::report::story::{Story, story};

    fn told(story: &Story) -> String {
        let mut out = Vec::new();
        story.tell(&mut Lines::new(&mut out));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_log_tells_each_transition_once_and_what_blocks_every_half_minute() {
        let story = story()
            .say(Run::Planned {
                digest: "sha256:3fa24d11bb0aa98c6c0f3d9e1b1e47f5".into(),
                revisions: vec![("platform".into(), "1a2b3c4d5e6f7081920a".into())],
                steps: vec![],
                covers: vec![],
            })
            .until_apps()
            .node("ingress", NodePhase::Missing, "", &[])
            .node("payments", NodePhase::Missing, "", &[])
            .after(3_000)
            .node("ingress", NodePhase::Progressing, "Synced, Progressing", &[])
            .after(1_000)
            .node(
                "ingress",
                NodePhase::Progressing,
                "Synced, Progressing",
                &[("Deployment.apps ingress/nginx", "0/2 ready")],
            )
            .node(
                "payments",
                NodePhase::Failing,
                "OutOfSync, Missing",
                &[("CRD certificates.cert-manager.io", "not found")],
            )
            .intervened("payments", "refresh", "sync retries exhausted", 1)
            .after(2_000)
            .node(
                "payments",
                NodePhase::Failing,
                "OutOfSync, Missing",
                &[("CRD certificates.cert-manager.io", "still not found")],
            )
            .after(28_500)
            .progress("apps", 0, None, "")
            .after(1_000)
            .progress("apps", 0, None, "")
            .after(20_000)
            .node("ingress", NodePhase::Ready, "Synced, Healthy", &[])
            .after(4_000)
            .node("payments", NodePhase::Ready, "Synced, Healthy", &[])
            .done("apps", "")
            .finish(RunOutcome::Recovered, None);
        insta::assert_snapshot!(told(&story), @r"
          0.0s  2026-11-21T03:12:00Z restore shop-prod · run 01JD8QK4S5N7Z4G4V4W0H8R9XK · target 30m · gitops-dr 0.1.0
          0.2s  cluster https://10.0.0.7:6443 (uid 4f1c23ab…, empty) · Kubernetes v1.33.2 · context shop-new
          0.2s  plan of 0 steps, digest 3fa24d11… · platform at 1a2b3c4d…
          0.3s  stores: read 8 secrets from their stores
          2.4s  stores: done in 2.1s, 7 secrets from vault, 1 from aws (fallback)
          2.4s  interlock: prove that this is the right cluster
          2.8s  interlock: done in 0.4s, empty as expected, permissions suffice
          2.8s  agent: install Argo CD from platform/bootstrap/argocd
           43s  agent: done in 41s, Argo CD v3.2.11 ready
           43s  apps: apply root apps and wait for all that follows
           46s  ingress progressing (Synced, Progressing)
           47s  payments failing (OutOfSync, Missing): CRD certificates.cert-manager.io: not found
           47s  intervened for payments: refresh, 1 of 3 (sync retries exhausted)
        1m 18s  apps: 0/2 ready · 1 failing · waiting for payments: CRD certificates.cert-manager.io: still not found | ingress: Deployment.apps ingress/nginx: 0/2 ready
        1m 39s  ingress ready after 52s (1/2)
        1m 43s  payments ready after 55s (2/2)
        1m 43s  apps: done in 59s
        1m 43s  recovered in 1m 43s, target 30m met
        ");
    }

    #[test]
    fn the_reason_of_the_app_that_is_named_first_is_told_when_it_becomes_another_and_no_flood_comes_of_it() {
        let progressing = |story: Story, name: &str, reason: &str| {
            let blocker: &[(&str, &str)] = if reason.is_empty() {
                &[]
            } else {
                &[("Deployment.apps shop/main", reason)]
            };
            story.node(name, NodePhase::Progressing, "Synced, Progressing", blocker)
        };
        let begun = progressing(story().until_apps().after(1_000), "cart", "");
        let other = progressing(begun.after(1_000), "search", "0/1 ready");
        let named = progressing(other.after(11_000), "cart", "0/1 ready");
        // Nobody is named first but cart, and its reasons are told once in ten seconds.
        let mut flood = progressing(named.after(1_000), "search", "ErrImagePull");
        for count in 0..40 {
            flood = progressing(flood.after(500), "cart", &format!("back-off {count}"));
        }
        let said = told(&flood);
        let lines: Vec<_> = said
            .lines()
            .filter(|line| line.contains("progressing"))
            .map(str::trim)
            .collect();
        assert_eq!(
            lines,
            [
                "56s  cart progressing (Synced, Progressing): Deployment.apps shop/main: 0/1 ready",
                "1m 06s  cart progressing (Synced, Progressing): Deployment.apps shop/main: back-off 17",
                "1m 16s  cart progressing (Synced, Progressing): Deployment.apps shop/main: back-off 37",
            ],
            "{said}"
        );
    }

    #[test]
    fn a_heartbeat_says_what_is_expected() {
        let story = story()
            .until_apps()
            .node("ingress", NodePhase::Progressing, "Synced, Progressing", &[])
            .say(Run::Expected {
                left_ms: 60_000,
                measured: 1,
                apps: 2,
            })
            .after(31_000)
            .progress("apps", 0, None, "");
        let said = told(&story);
        let last = said.lines().last().unwrap();
        insta::assert_snapshot!(last, @" 1m 14s  apps: 0/1 ready · estimate 1m 50s (partly guessed) · waiting for ingress: Synced, Progressing");
    }

    #[test]
    fn a_step_that_fails_tells_its_causes_on_one_line() {
        let failure = Failure {
            causes: vec!["store `vault`".into(), "503\nsealed".into()],
            ..Failure::new("cannot read secrets")
        };
        let story = story()
            .begin("stores", Phase::Prepare, "read 8 secrets")
            .after(1_500)
            .end(
                "stores",
                Outcome::Failed {
                    failure: failure.clone(),
                },
            )
            .finish(RunOutcome::Refused, Some(failure));
        insta::assert_snapshot!(told(&story), @r"
        0.0s  2026-11-21T03:12:00Z restore shop-prod · run 01JD8QK4S5N7Z4G4V4W0H8R9XK · target 30m · gitops-dr 0.1.0
        0.2s  cluster https://10.0.0.7:6443 (uid 4f1c23ab…, empty) · Kubernetes v1.33.2 · context shop-new
        0.2s  stores: read 8 secrets
        1.7s  stores: failed in 1.5s, cannot read secrets: store `vault`: 503 sealed
        1.7s  refused, nothing was changed: cannot read secrets
        ");
    }

    #[test]
    fn every_line_begins_with_its_time_and_none_holds_an_escape() {
        let story = story()
            .until_apps()
            .node("evil", NodePhase::Failing, "\u{1b}[31m", &[("", "a\nb\u{7}\u{1b}]0;t")]);
        for line in told(&story).lines() {
            assert!(
                line.trim_start().starts_with(|first: char| first.is_ascii_digit()),
                "{line}"
            );
            assert!(!line.contains(char::is_control), "{line:?}");
        }
    }

    #[test]
    fn a_run_that_goes_on_says_which_it_is() {
        let whole = story().until_apps().done("apps", "52/52 ready");
        let state = whole.state();
        let events = whole.events();
        let mut out = Vec::new();
        Lines::new(&mut out).event(events.last().unwrap(), &state);
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r"
        43s  2026-11-21T03:12:43Z restore shop-prod · run 01JD8QK4S5N7Z4G4V4W0H8R9XK · target 30m · goes on · gitops-dr 0.1.0
        43s  apps: done in 0.0s, 52/52 ready
        ");
    }
}
