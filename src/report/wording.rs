//! Phrases that more than one report uses.

use super::blocking::Blocking;
use super::causes::causes;
use super::text;
use crate::event::{Cluster, Intervention, Node, NodePhase, RunState, StepState, StepStatus};
use crate::rto::chosen;

/// How many characters of a UID or digest are enough to tell two apart.
const SHORT: usize = 8;

/// Names the run: `restore shop-prod · run 01JD… · target 30m`.
pub(super) fn title(state: &RunState) -> String {
    // A plan is no run: it has no name by which it could be asked for again.
    let run = state.run.as_ref().filter(|run| !run.0.is_empty());
    let verb = if run.is_some() { "restore" } else { "plan" };
    let run = run.map(|run| format!("run {run}"));
    let target = state.target_ms.map(|target| format!("target {}", chosen(target)));
    let parts = [Some(format!("{verb} {}", text::line(&state.runbook))), run, target];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// Names the cluster: `cluster https://10.0.0.7:6443 (uid 4f1c23ab…, empty)`.
pub(super) fn cluster(cluster: &Cluster) -> String {
    text::line(&format!(
        "cluster {} (uid {}, {})",
        cluster.server,
        short(&cluster.uid),
        cluster.state
    ))
}

/// Shortens a UID or a digest.
pub(super) fn short(name: &str) -> String {
    let name = name.strip_prefix("sha256:").unwrap_or(name);
    match name.char_indices().nth(SHORT) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

/// Counts the nodes: `38/52 ready · 2 failing · 1 missing`.
pub(super) fn counts(state: &RunState) -> String {
    let (ready, known) = state.ready();
    let mut parts = vec![format!("{ready}/{known} ready")];
    for (phase, word) in [(NodePhase::Failing, "failing"), (NodePhase::Missing, "missing")] {
        let number = state.nodes.values().filter(|node| node.node.phase == phase).count();
        if number > 0 {
            parts.push(format!("{number} {word}"));
        }
    }
    if known > 0 && ready == known {
        parts.push("watching that it stays so".into());
    }
    parts.join(" · ")
}

/// Says how far a running step is: its counts and what it waits for, or else what it does.
pub(super) fn progress(step: &StepState) -> String {
    let StepStatus::Running { done, total, note } = &step.status else {
        return step.step.title.clone();
    };
    let number = match (done, total) {
        (0, None) => None,
        (done, None) => Some(done.to_string()),
        (done, Some(total)) => Some(format!("{done}/{total}")),
    };
    let note = Some(note).filter(|note| !note.is_empty()).cloned();
    let parts: Vec<_> = [number, note].into_iter().flatten().collect();
    if parts.is_empty() {
        step.step.title.clone()
    } else {
        parts.join(" · ")
    }
}

/// Says how a node that is not ready stands: `failing · OutOfSync, Missing · holds back 6`. That it progresses is said
/// only where the agent says nothing: its words are the better ones.
pub(super) fn standing(blocking: Blocking<'_>) -> String {
    let node = &blocking.node.node;
    let phase = Some(phase(node.phase)).filter(|_| node.phase != NodePhase::Progressing || node.words.is_empty());
    let words = Some(text::line(&node.words)).filter(|words| !words.is_empty());
    let holds_back = (blocking.holds_back > 0).then(|| format!("holds back {}", blocking.holds_back));
    let parts = [phase.map(str::to_owned), words, holds_back];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// Says what keeps a node from being ready; nothing if it does not say.
pub(super) fn blockers(node: &Node, most: usize) -> Option<String> {
    let causes = causes(&node.blocked_by);
    if causes.is_empty() {
        return None;
    }
    let mut parts: Vec<_> = causes.iter().take(most).cloned().collect();
    if let Some(more @ 1..) = causes.len().checked_sub(most) {
        parts.push(format!("and {more} more"));
    }
    Some(text::line(&parts.join("; ")))
}

/// Tells an intervention: `ingress: refresh, 2 of 3 (sync retries exhausted)`.
pub(super) fn intervention(state: &RunState, intervention: &Intervention) -> String {
    let Intervention {
        node,
        action,
        trigger,
        attempt,
        bound,
    } = intervention;
    let name = state.nodes.get(node).map_or(node, |known| &known.node.name);
    text::line(&format!("{name}: {action}, {attempt} of {bound} ({trigger})"))
}

/// Returns the word for how far a node is.
pub(super) fn phase(phase: NodePhase) -> &'static str {
    match phase {
        NodePhase::Failing => "failing",
        NodePhase::Missing => "missing",
        NodePhase::Progressing => "progressing",
        NodePhase::Excepted => "excepted",
        NodePhase::Ready => "ready",
        NodePhase::Ignored => "ignored",
    }
}
