//! How much longer a run takes. Pure: how far it is goes in, what is left comes out.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::took::called;
use super::{Action, Plan, Took};
use crate::event::{PlannedStep, Run, Waits};
use crate::graph::{AppSpot, Firmness, Forecast, Graph, NodeId, Seen};

/// How long an app takes of which the sources told nothing beforehand, such as one that a set makes.
const STRANGER: Duration = Duration::from_secs(30);

/// What is expected of the rest of a run.
#[derive(Debug)]
pub struct Outlook {
    steps: Vec<(PlannedStep, Action)>,
    /// The apps for which the recovery clock waits; all if there are none.
    critical: Vec<String>,
    forecast: Option<Forecast>,
    nodes: HashMap<String, NodeId>,
    took: Took,
}

impl Outlook {
    /// Makes it from a plan, the runbook's critical apps, what waits for what and an earlier run.
    pub fn new(plan: &Plan, critical: &[String], graph: Option<Arc<Graph>>, took: Took) -> Self {
        let forecast = graph.map(|graph| {
            let seen = |node| took.seen(&graph, node);
            Forecast::new(Arc::clone(&graph), seen)
        });
        let nodes = forecast.iter().flat_map(|forecast| {
            let graph = forecast.graph();
            graph.apps().iter().map(|app| (called(graph, app.node), app.node))
        });
        Self {
            nodes: nodes.collect(),
            steps: plan.steps.iter().map(|item| (item.step.clone(), item.action)).collect(),
            critical: critical.to_vec(),
            forecast,
            took,
        }
    }

    /// Says what waits for what among the apps, where that is known.
    pub fn foreseen(&self) -> Option<Run> {
        let forecast = self.forecast.as_ref()?;
        let (graph, lines) = (forecast.graph(), forecast.lines());
        let name = |spot: &AppSpot| match spot {
            AppSpot::App(node) => called(graph, *node),
            AppSpot::Joint => String::new(),
        };
        // What is only a good order holds nobody back.
        let binding = lines
            .lines
            .iter()
            .filter(|line| line.edge.firmness > Firmness::Optional);
        Some(Run::Foreseen {
            apps: lines.spots.iter().map(name).collect(),
            waits: binding
                .map(|line| Waits {
                    later: line.later,
                    earlier: line.earlier,
                    until_well: line.until_well,
                })
                .collect(),
        })
    }

    /// Returns how long a run takes of which no step of the plan has begun.
    pub fn before(&self) -> Duration {
        self.steps_from(0, false)
    }

    /// Returns how much longer a run takes that waits for apps in the step `id`. `seen` is how each node that is known now has fared,
    /// by its stable name, in the time of which it is `now`; `settling` how long they must stay as they are once all of them are well.
    pub fn left(&self, id: &str, seen: &BTreeMap<String, Seen>, now: Duration, settling: Duration) -> Duration {
        let Some(at) = self.steps.iter().position(|(step, _)| step.id == id) else {
            return Duration::ZERO;
        };
        let action = self.steps[at].1;
        let apps = match self.apps(action, seen, now) {
            Duration::ZERO if action != Action::Critical => settling,
            apps => apps + self.settling(action),
        };
        // The apps that are created ahead are among those that are awaited behind the roots, and are not counted twice.
        apps + self.steps_from(at + 1, action == Action::Leaves)
    }

    /// Returns of how many apps an earlier run tells how long they take, and how many there are.
    pub fn measured(&self) -> (usize, usize) {
        self.forecast.as_ref().map(Forecast::measured).unwrap_or_default()
    }

    /// Puts a time that is left into words for the journal.
    pub fn expected(&self, left: Duration) -> Run {
        let (measured, apps) = self.measured();
        Run::Expected {
            left_ms: u64::try_from(left.as_millis()).unwrap_or(u64::MAX),
            measured,
            apps,
        }
    }

    /// Returns how long the steps from one on take: until the recovery clock stops or, where it has, until the end. `are_counted` says
    /// that the apps are counted already.
    fn steps_from(&self, first: usize, are_counted: bool) -> Duration {
        let has_critical = self.steps.iter().any(|(_, action)| *action == Action::Critical);
        let stops = self.steps.iter().position(|(_, action)| *action == Action::Apps);
        let end = match stops.filter(|stops| has_critical && first <= *stops) {
            Some(stops) => stops,
            None => self.steps.len(),
        };
        let took = self
            .steps
            .iter()
            .take(end)
            .skip(first)
            .map(|(step, action)| match action {
                Action::Leaves => Duration::ZERO,
                Action::Critical | Action::Apps if are_counted => Duration::ZERO,
                Action::Critical | Action::Apps => {
                    self.apps(*action, &BTreeMap::new(), Duration::ZERO) + self.settling(*action)
                }
                _ => self.took.step(step),
            });
        took.sum()
    }

    /// Returns how long it takes until the apps that a step waits for are well.
    fn apps(&self, action: Action, seen: &BTreeMap<String, Seen>, now: Duration) -> Duration {
        let counts = |name: &str| {
            let short = name.rsplit('/').next().unwrap_or(name);
            action != Action::Critical || self.critical.iter().any(|critical| critical == short)
        };
        let strangers = seen
            .iter()
            .filter(|(name, seen)| seen.ready.is_none() && !self.nodes.contains_key(*name) && counts(name));
        let strangers = strangers.map(|(_, seen)| {
            let since = seen.begun.map_or(Duration::ZERO, |begun| now.saturating_sub(begun));
            STRANGER.saturating_sub(since).max(STRANGER / 10)
        });
        let known = self.forecast.iter().flat_map(|forecast| {
            let graph = forecast.graph();
            let is_under_way = !seen.is_empty();
            let timeline = forecast.timeline(|node| of(graph, node, seen, is_under_way), now);
            let timed = timeline.apps.into_iter().filter(|timed| {
                let id = &graph.node(timed.node).id;
                id.kind != "Root" && counts(&id.name)
            });
            timed.map(|timed| timed.ends).collect::<Vec<_>>()
        });
        strangers.chain(known).max().unwrap_or_default()
    }

    /// Returns how long the apps of a step will have to stay as they are before that counts. Where they are seen to be well that is no
    /// time at all, and before anything is there nobody can tell.
    fn settling(&self, action: Action) -> Duration {
        match action {
            Action::Critical => Duration::ZERO,
            _ => self.took.settling,
        }
    }
}

/// Returns how an app of the graph has fared. A root is no object that anybody sees: once apps are waited for it has been applied.
fn of(graph: &Graph, node: NodeId, seen: &BTreeMap<String, Seen>, is_under_way: bool) -> Seen {
    if is_under_way && graph.node(node).id.kind == "Root" {
        return Seen {
            begun: Some(Duration::ZERO),
            ready: Some(Duration::ZERO),
        };
    }
    seen.get(&called(graph, node)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::fixture_shop::shop;
    use crate::plan::{Input, make};

    const SETTLING: u64 = 10;

    /// Every step that waits for no apps takes a second; of the apps of the shop two took a while in the run before.
    fn outlook(done: &str, with_graph: bool) -> Outlook {
        let text = format!(
            "apiVersion: gitops-dr/v1\nkind: Runbook\nname: shop\ntarget: {{context: new}}\n\
             sources:\n  platform: {{git: \"https://git.example.com/p.git\", revision: main}}\n\
             agent: {{argocd: {{from: {{source: platform, path: argocd}}}}}}\n\
             roots:\n  - {{id: apps, source: platform, path: apps}}\n{done}"
        );
        let (runbook, findings) = crate::runbook::parse("shop.yaml", &text);
        let runbook = runbook.unwrap_or_else(|| panic!("{findings:?}"));
        let plan = make(&runbook, &Input::default());
        let graph = with_graph.then(|| Arc::new(shop().graph()));
        let run = [("cert-manager", (0, 60)), ("payments", (0, 70))];
        let took = Took {
            apps: run
                .map(|(name, times)| (called(name), seen(times.0, Some(times.1))))
                .into(),
            steps: plan
                .steps
                .iter()
                .map(|item| (item.step.id.clone(), Duration::from_secs(1)))
                .collect(),
            settling: Duration::from_secs(SETTLING),
        };
        Outlook::new(&plan, &runbook.done.critical, graph, took)
    }

    fn called(name: &str) -> String {
        format!("Application argocd/{name}")
    }

    fn seen(begun: u64, ready: Option<u64>) -> Seen {
        Seen {
            begun: Some(Duration::from_secs(begun)),
            ready: ready.map(Duration::from_secs),
        }
    }

    /// Every app of the shop is well since this second, but for these.
    fn run(since: u64, but: &[(&str, Seen)]) -> BTreeMap<String, Seen> {
        let apps = ["crds", "vault", "cert-manager", "eso", "payments", "mystery"];
        let mut run: BTreeMap<String, Seen> = apps.map(|name| (called(name), seen(0, Some(since)))).into();
        run.extend(but.iter().map(|(name, seen)| (called(name), *seen)));
        run
    }

    fn left(outlook: &Outlook, id: &str, run: &BTreeMap<String, Seen>, now: u64) -> u64 {
        outlook
            .left(id, run, Duration::from_secs(now), Duration::from_secs(4))
            .as_secs()
    }

    const CRITICAL: &str = "done: {critical: [vault]}\n";

    #[test]
    fn before_a_run_it_is_the_steps_and_the_apps_up_to_the_end_of_the_recovery() {
        // The interlock, the ground, the credentials, the agent, the root, and what comes after the apps.
        let steps = |outlook: &Outlook| outlook.steps.len() as u64 - 1;
        let plain = outlook("", false);
        assert_eq!(plain.before().as_secs(), steps(&plain) + SETTLING);
        // The path of the apps: the root's, the CRDs', cert-manager and payments after it.
        let known = outlook("", true);
        assert!(known.before().as_secs() > steps(&known) + SETTLING + 70);
        // What comes after the critical apps is no part of the recovery time, and nothing has to stay as it is.
        let critical = outlook(CRITICAL, false);
        let before = critical
            .steps
            .iter()
            .take_while(|(_, action)| *action != Action::Critical);
        assert_eq!(critical.before().as_secs(), before.count() as u64);
    }

    #[test]
    fn apps_that_are_created_ahead_are_counted_once() {
        let (by_agent, by_graph) = (outlook("", true), outlook("order: graph\n", true));
        assert_eq!(by_graph.before(), by_agent.before());
        let run = run(0, &[("payments", seen(0, None))]);
        // The root is applied between the two.
        assert_eq!(left(&by_graph, "leaves", &run, 5), left(&by_graph, "apps", &run, 5) + 1);
    }

    #[test]
    fn while_apps_are_waited_for_it_is_the_rest_of_them_until_that_counts_and_the_steps_after() {
        let all = outlook("", true);
        let after = all
            .steps
            .iter()
            .skip_while(|(_, action)| *action != Action::Apps)
            .count() as u64
            - 1;
        let stranger = ("late", seen(40, None));
        for (run, now, expected) in [
            (run(40, &[("payments", seen(0, None))]), 40, 10 + SETTLING),
            (run(40, &[("payments", seen(0, None))]), 44, 6 + SETTLING),
            // What the settled rule itself says goes before what it took.
            (run(40, &[]), 40, 4),
            // An app that the sources did not tell of.
            (run(40, &[stranger]), 50, 20 + SETTLING),
            (run(40, &[stranger]), 500, 3 + SETTLING),
        ] {
            assert_eq!(left(&all, "apps", &run, now), expected + after, "{now}: {run:?}");
        }
        assert_eq!(left(&all, "no-step", &run(40, &[]), 40), 0);
    }

    #[test]
    fn until_the_recovery_clock_stops_only_the_critical_apps_count() {
        let critical = outlook(CRITICAL, true);
        let waiting = run(40, &[("payments", seen(0, None)), ("late", seen(0, None))]);
        assert_eq!(left(&critical, "critical", &waiting, 40), 0);
        let vault = run(40, &[("vault", seen(40, None))]);
        assert!((1..=60).contains(&left(&critical, "critical", &vault, 40)));
        assert!(left(&critical, "apps", &waiting, 40) >= SETTLING + 10);
    }

    #[test]
    fn what_waits_for_what_is_told_once_and_by_the_names_of_the_nodes() {
        let Some(Run::Foreseen { apps, waits }) = outlook("", true).foreseen() else {
            panic!("nothing is foreseen");
        };
        let name = |at: usize| apps[at].as_str();
        let pairs: Vec<_> = waits
            .iter()
            .map(|line| (name(line.later), name(line.earlier)))
            .collect();
        let (payments, manager) = (called("payments"), called("cert-manager"));
        assert!(pairs.contains(&(payments.as_str(), manager.as_str())), "{pairs:?}");
        assert_eq!(outlook("", false).foreseen(), None);
    }
}
