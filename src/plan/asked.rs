//! Why something comes no earlier, what its loss would hold back, and what is wrong with it.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::{Foresight, Plan, Remark};
use crate::event::Failure;
use crate::graph::{Edge, EdgeShape, NodeId};
use crate::runbook::among;

/// What is told of what a person asks for.
#[derive(Debug, Clone, Serialize)]
pub struct Asked {
    /// What was asked for.
    pub asked: String,
    /// All that is called so.
    pub things: Vec<Thing>,
}

/// An app or an object.
#[derive(Debug, Clone, Serialize)]
pub struct Thing {
    /// As people write it; of another cluster than the target with ` on ` and that.
    pub name: String,
    /// What it waits for: a chain for each thing that it waits for itself, down to what waits for nothing.
    pub waits_for: Vec<Vec<EdgeShape>>,
    /// What its loss would hold back.
    pub holds_back: HeldBack,
    /// What is wrong with it, and what is not known.
    pub remarks: Vec<Remark>,
    #[serde(skip)]
    told: String,
}

/// What the loss of something would hold back.
#[derive(Debug, Clone, Serialize)]
pub struct HeldBack {
    /// The apps of which something cannot come.
    pub apps: Vec<String>,
    /// The objects that cannot come, or cannot be well.
    pub objects: Vec<String>,
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for thing in &self.things {
            f.write_str(&thing.told)?;
            for remark in &thing.remarks {
                writeln!(f, "  {remark}")?;
            }
        }
        Ok(())
    }
}

impl Foresight {
    /// Tells what something waits for, link by link, what its loss would hold back, and what the plan says of it. The error names what
    /// was probably meant.
    pub fn why(&self, words: &str, plan: &Plan) -> Result<Asked, Failure> {
        let found = self.graph.search(words);
        if found.is_empty() {
            let failure = Failure::new(format!(
                "nothing that follows from the roots is called `{words}`: write NAME, NAMESPACE/NAME, KIND/NAME or \
                 KIND/NAMESPACE/NAME, KIND also as KIND.GROUP"
            ));
            let names = self.graph.names_like(words);
            let joined = words.split_whitespace().collect::<Vec<_>>().join("/");
            let near = among(&joined, names.iter().map(String::as_str));
            return Err(failure.hint(near.unwrap_or_else(|| "`gitops-dr plan` names the apps".into())));
        }
        Ok(Asked {
            asked: words.to_owned(),
            things: found.into_iter().map(|node| self.thing(node, plan)).collect(),
        })
    }

    fn thing(&self, node: NodeId, plan: &Plan) -> Thing {
        let name = |node: &NodeId| self.graph.node(*node).to_string();
        let chains = self.graph.why(node);
        let held = self.graph.held_back_by(node);
        let objects = match held.objects.len() {
            1 => "1 object".to_owned(),
            count => format!("{count} objects"),
        };
        let apps = match held.apps.len() {
            0 => "no other app".to_owned(),
            1 => format!("1 app: {}", self.names(&held.apps)),
            count => format!("{count} apps: {}", self.names(&held.apps)),
        };
        let mut lines = vec![name(&node)];
        if chains.is_empty() {
            lines.push("  waits for nothing".to_owned());
        }
        lines.extend(chains.iter().flat_map(|chain| self.told(node, chain)));
        lines.push(format!("  its loss would hold back {objects} and {apps}\n"));
        Thing {
            name: name(&node),
            waits_for: chains
                .iter()
                .map(|chain| chain.iter().map(|link| self.graph.edge_shape(link)).collect())
                .collect(),
            holds_back: HeldBack {
                apps: held.apps.iter().map(name).collect(),
                objects: held.objects.iter().map(name).collect(),
            },
            remarks: self.remarks(node, plan),
            told: lines.join("\n"),
        }
    }

    /// Tells a chain, a line for each link.
    fn told(&self, node: NodeId, chain: &[Edge]) -> Vec<String> {
        let lines = chain.iter().enumerate().map(|(depth, link)| {
            let indent = "  ".repeat(depth + 1);
            if link.later.0 == node || depth > 0 {
                format!("{indent}{}", self.link(link))
            } else {
                format!("{indent}{} {}", self.graph.node(link.later.0), self.link(link))
            }
        });
        lines.collect()
    }

    /// Returns what the plan says of an app or an object: that it is not known what it brings, that it is in a circle, and so on. What
    /// an app brings is the app's, too.
    fn remarks(&self, node: NodeId, plan: &Plan) -> Vec<Remark> {
        let this = self.graph.node(node);
        let is_it = |other: NodeId| other == node || self.graph.node(other).apps.contains(&node);
        let mut remarks = Vec::new();
        let unknown = self
            .graph
            .apps()
            .iter()
            .filter(|app| app.node == node && !app.unknown.is_empty());
        remarks.extend(unknown.map(|app| Remark::unknown(&this.id, &app.unknown)));
        remarks.extend(plan.manual.iter().filter(|app| **app == this.id).map(Remark::manual));
        let circles = self.graph.cycles().iter();
        let circles = circles.filter(|cycle| cycle.links.iter().any(|link| is_it(link.later.0)));
        remarks.extend(circles.map(|cycle| self.circle(cycle)));
        let together = self.graph.app_lines().together;
        remarks.extend(
            together
                .iter()
                .filter(|apps| apps.contains(&node))
                .map(|apps| self.tangle(apps)),
        );
        let doubled = self.graph.doubled().filter(|(other, _)| is_it(*other));
        remarks.extend(doubled.map(|(_, found)| self.shared(found)));
        for (lacking, needed_by) in self.missing() {
            let first = needed_by.iter().find(|edge| lacking == node || is_it(edge.later.0));
            remarks.extend(first.map(|first| self.lack(lacking, first, needed_by.len())));
        }
        let name = this.id.to_string();
        let notices = plan.notices.iter().filter(|notice| notice.contains(&name));
        remarks.extend(notices.map(Remark::certain));
        let mut seen = BTreeSet::new();
        remarks.retain(|remark| seen.insert(remark.words.clone() + &remark.lines.concat()));
        remarks
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::graph::fixture::Scene;
    use crate::graph::fixture_shop::shop;
    use crate::plan::{Input, Took, make};

    fn asked(scene: &Scene, words: &str, change: impl Fn(&mut Plan)) -> Result<Asked, Failure> {
        let text = "apiVersion: gitops-dr/v1\nkind: Runbook\nname: shop\ntarget: {context: new}\n\
             sources:\n  platform: {git: \"https://git.example.com/p.git\", revision: main}\n\
             agent: {argocd: {from: {source: platform, path: argocd}}}\n\
             roots:\n  - {id: apps, source: platform, path: apps}\n";
        let mut plan = make(&crate::runbook::parse("shop.yaml", text).0.unwrap(), &Input::default());
        change(&mut plan);
        Foresight::new(Arc::new(scene.graph()), &Took::default()).why(words, &plan)
    }

    #[test]
    fn what_is_wrong_with_the_thing_asked_for_is_told_below_it_and_of_others_nothing() {
        let queue = "apiVersion: mq.example.com/v1\nkind: Queue\nmetadata: {name: orders, namespace: payments}\n";
        let scene = shop()
            .root("late", &crate::graph::fixture::application("queues", ""))
            .app("queues", queue);
        let change = |plan: &mut Plan| {
            let eso = scene.platform.apps.iter().find(|app| app.id.name == "eso").unwrap();
            plan.manual.push(eso.id.clone());
            plan.notices.push("Application.argoproj.io argocd/vault is odd.".into());
        };
        let told = |words: &str| asked(&scene, words, change).unwrap().to_string();
        for (words, remark) in [
            (
                "mystery",
                "  ? Application.argoproj.io argocd/mystery is not known beforehand: its plugin runs only in the agent\n",
            ),
            ("Queue/orders", "  ? nothing that is known brings "),
            ("queues", "  ? nothing that is known brings "),
            ("eso", "  ! Application.argoproj.io argocd/eso has no automated sync"),
            ("vault", "  ! Application.argoproj.io argocd/vault is odd.\n"),
        ] {
            assert!(told(words).contains(remark), "{words}: {}", told(words));
        }
        let fine = told("crds");
        assert!(!fine.contains("\n  ! ") && !fine.contains("\n  ? "), "{fine}");
    }

    #[test]
    fn an_object_of_two_apps_is_told_of_each_of_them() {
        let settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: shop}\n";
        let apps = ["one", "two", "three"].map(|name| crate::graph::fixture::application(name, ""));
        let scene = Scene::default()
            .root("apps", &apps.concat())
            .app("one", settings)
            .app("two", settings)
            .app("three", "");
        let told = |words: &str| asked(&scene, words, |_| ()).unwrap().to_string();
        for words in ["settings", "one", "two"] {
            assert!(
                told(words).contains("  ! ConfigMap shop/settings is in more than one app: one, two\n"),
                "{words}: {}",
                told(words)
            );
        }
        assert!(!told("three").contains('!'), "{}", told("three"));
    }

    #[test]
    fn a_near_miss_says_what_was_probably_meant() {
        for (words, meant) in [
            ("paymets", "did you mean `payments`?"),
            (
                "Deployment.apps payments/payment",
                "did you mean `Deployment.apps/payments/payments`?",
            ),
            ("zzzzzzzzzzz", "`gitops-dr plan` names the apps"),
        ] {
            let failure = asked(&shop(), words, |_| ()).unwrap_err();
            assert_eq!(failure.hints, [meant], "{words}");
        }
    }

    #[test]
    fn a_machine_is_told_the_same_as_data() {
        let asked = asked(&shop(), "payments", |_| ()).unwrap();
        let value = serde_json::to_value(&asked).unwrap();
        let thing = &value["things"][0];
        assert_eq!(value["asked"], "payments");
        assert_eq!(thing["name"], "Application.argoproj.io argocd/payments");
        assert!(thing["waits_for"][0][0]["earlier"].is_string(), "{value:#}");
        assert!(thing["holds_back"]["objects"].is_array(), "{value:#}");
        assert!(asked.to_string().ends_with("no other app\n"), "{asked}");
    }
}
