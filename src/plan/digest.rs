//! What the digest of a plan covers: what the runbook says will be done, and what it pins.
//!
//! Not covered is what may change between a run and the one that goes on with it without anybody having planned something
//! else: what a followed source renders to (whether it may have moved is asked of Git), budgets (the objective, deadlines,
//! timeouts, retries), the values and versions of secrets, how one logs in, and other addresses of the same repository.
//! The target is not covered either: every run proves it anew, by the runbook as it is then.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{Action, Input, Item};
use crate::event::Effect;
use crate::runbook::{
    Agent, AgentKind, Approval, Check, Cluster, ClusterState, Expect, ExtraAction, InSource, Part, Printed, Program,
    Revision, Runbook, SecretShape, SecretSpec, SopsPlace, Source, StoreKind, Taken,
};

/// One thing that the digest covers: its name for people, and the digest of what is said of it.
pub type Covered = (String, String);

/// How many hexadecimal digits are kept of what is said of one thing: enough to tell two of them apart, and short enough for
/// an event.
const SHORT: usize = 16;

/// A digest that is fed with texts, each with its length, so that no two lists of texts look the same.
#[derive(Default)]
struct Fed(Sha256);

impl Fed {
    fn text(mut self, text: &str) -> Self {
        self.0.update((text.len() as u64).to_be_bytes());
        self.0.update(text.as_bytes());
        self
    }

    fn maybe(self, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.text("some").text(text),
            None => self.text("none"),
        }
    }

    fn flag(self, flag: bool) -> Self {
        self.text(if flag { "yes" } else { "no" })
    }

    fn list<'text>(self, texts: impl IntoIterator<Item = &'text String>) -> Self {
        let texts: Vec<_> = texts.into_iter().collect();
        let counted = self.text(&texts.len().to_string());
        texts.into_iter().fold(counted, |fed, text| fed.text(text))
    }

    fn pairs<'text>(self, pairs: impl IntoIterator<Item = (&'text String, &'text String)>) -> Self {
        let texts: Vec<_> = pairs.into_iter().flat_map(|(key, value)| [key, value]).collect();
        self.list(texts)
    }

    fn place(self, from: &InSource) -> Self {
        self.text(&from.source).text(&from.path)
    }

    fn end(self) -> String {
        use std::fmt::Write as _;
        self.0.finalize().iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// Returns all that the digest of a plan covers: sources, stores, secrets, clusters and the agent by name, then the steps in
/// their order, then what is accepted of apps.
pub(super) fn covered(runbook: &Runbook, input: &Input, steps: &[Item]) -> Vec<Covered> {
    let mut covered = Vec::new();
    let mut cover = |name: String, fed: Fed| covered.push((name, fed.end().chars().take(SHORT).collect()));
    for (name, of) in &runbook.sources {
        cover(format!("source {name}"), source(of));
    }
    for store in &runbook.stores {
        cover(format!("store {}", store.name), self::store(&store.kind));
    }
    for (name, spec) in &runbook.secrets {
        cover(format!("secret {name}"), secret(spec));
    }
    for (name, of) in &runbook.clusters {
        cover(format!("cluster {name}"), cluster(of));
    }
    let is_pinned = |from: &InSource| matches!(runbook.sources.get(&from.source), Some(source) if matches!(source.revision, Revision::Pinned(_)));
    let rendered = |fed: Fed, from: &InSource, digest: Option<&str>| match digest.filter(|_| is_pinned(from)) {
        Some(digest) => fed.text("rendered").text(digest),
        None => fed,
    };
    let of_agent = agent(&runbook.agent);
    cover(
        "agent".into(),
        rendered(of_agent, &runbook.agent.from, Some(&input.agent_digest)),
    );
    // The digests of what `apply` steps render are in the order of the runbook.
    let applied: Vec<usize> = (0..runbook.steps.len())
        .filter(|index| matches!(runbook.steps[*index].action, ExtraAction::Apply(_)))
        .collect();
    // What apps need of each other follows from what the sources render to.
    for item in steps.iter().filter(|item| item.action != Action::Preload) {
        let fed = Fed::default().text(&item.step.id).text(effect(item.step.effect));
        let fed = match item.action {
            Action::Root(index) => {
                let root = &runbook.roots[index];
                let digest = input.roots.get(index).map(|root| root.digest.as_str());
                rendered(fed.place(&root.from), &root.from, digest)
            }
            Action::Extra(index) => match &runbook.steps[index].action {
                ExtraAction::Apply(from) => {
                    let nth = applied.iter().position(|applied| *applied == index);
                    let digest = nth.and_then(|nth| input.extras.get(nth)).map(String::as_str);
                    rendered(fed.text("apply").place(from), from, digest)
                }
                ExtraAction::Check(of) => check(fed.text("check"), of),
                ExtraAction::Approve(of) => approval(fed.text("approve"), of),
                ExtraAction::Run(of) => program(fed.text("run"), of),
            },
            Action::Check(index) => check(fed, &runbook.done.checks[index]),
            Action::Critical => fed.list(&runbook.done.critical),
            // What the other steps do is said by the things above.
            _ => fed,
        };
        cover(named(item), fed);
    }
    // That hooks may run again is a word for the run that hears it, and makes no other plan.
    let accepted = runbook
        .apps
        .iter()
        .filter(|(_, app)| app.ignore || !app.allow.is_empty());
    for (name, app) in accepted {
        let mut allow: Vec<_> = app.allow.iter().collect();
        allow.sort();
        cover(format!("app {name}"), Fed::default().list(allow).flag(app.ignore));
    }
    covered
}

/// Returns the digest over all that is covered, in its order.
pub(super) fn of(covered: &[Covered]) -> String {
    let fed = covered
        .iter()
        .fold(Fed::default(), |fed, (name, digest)| fed.text(name).text(digest));
    format!("sha256:{}", fed.end())
}

/// How a plan differs from an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Difference {
    /// What there was not before.
    pub new: Vec<String>,
    /// What is no longer there.
    pub gone: Vec<String>,
    /// What is otherwise now.
    pub changed: Vec<String>,
    /// Whether what was and is there comes in another order.
    pub is_reordered: bool,
}

impl Difference {
    /// Compares what two plans cover.
    pub fn between(before: &[Covered], now: &[Covered]) -> Self {
        let digest = |all: &[Covered], name: &str| {
            all.iter()
                .find(|(known, _)| known == name)
                .map(|(_, digest)| digest.clone())
        };
        let names = |all: &[Covered], others: &[Covered]| -> (Vec<String>, Vec<String>) {
            all.iter()
                .map(|(name, _)| name.clone())
                .partition(|name| digest(others, name).is_some())
        };
        let ((kept_before, gone), (kept, new)) = (names(before, now), names(now, before));
        Self {
            new,
            gone,
            changed: kept
                .iter()
                .filter(|name| digest(before, name) != digest(now, name))
                .cloned()
                .collect(),
            is_reordered: kept_before != kept,
        }
    }

    /// Whether this thing is new, gone or otherwise.
    pub fn holds(&self, name: &str) -> bool {
        [&self.new, &self.gone, &self.changed]
            .into_iter()
            .flatten()
            .any(|known| known == name)
    }

    /// Says what differs, a line for each kind of difference.
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        for (what, names) in [
            ("otherwise now", &self.changed),
            ("new", &self.new),
            ("no longer there", &self.gone),
        ] {
            if !names.is_empty() {
                words.push(format!("{what}: {}", names.join(", ")));
            }
        }
        if self.is_reordered {
            words.push("the order is another".into());
        }
        words
    }
}

/// Returns an item's name for people: its id, unless that is what the runbook calls something else.
fn named(item: &Item) -> String {
    match item.action {
        Action::Root(_) | Action::Extra(_) | Action::Check(_) => item.step.id.replacen('/', " ", 1),
        _ => format!("step {}", item.step.id),
    }
}

fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Reads => "reads",
        Effect::Repeatable => "repeatable",
        Effect::Once => "once",
    }
}

fn source(source: &Source) -> Fed {
    let (kind, text) = match &source.revision {
        Revision::Follow(text) => ("follow", text),
        Revision::Pinned(text) => ("pinned", text),
    };
    Fed::default().text(&source.git).text(kind).text(text)
}

fn store(store: &StoreKind) -> Fed {
    match store {
        StoreKind::Vault(vault) => Fed::default()
            .text("vault")
            .text(vault.address.as_str())
            .maybe(vault.namespace.as_deref()),
        // Replicas hold the same as the region that they are replicas of.
        StoreKind::Aws(aws) => Fed::default()
            .text("aws")
            .text(&aws.region)
            .maybe(aws.endpoint.as_ref().map(url::Url::as_str)),
        StoreKind::Sops(sops) => match &sops.place {
            SopsPlace::Source(source) => Fed::default().text("sops").text(source).text(&sops.path),
            SopsPlace::Folder(folder) => Fed::default().text("sops folder").text(folder).text(&sops.path),
        },
        StoreKind::Files(files) => Fed::default().text("files").text(&files.folder),
        StoreKind::Env(env) => Fed::default().text("env").text(&env.prefix),
        // What it is given by its environment is how it logs in.
        StoreKind::Exec(exec) => Fed::default().text("exec").list(&exec.command).text(match exec.output {
            Printed::Json => "json",
            Printed::Text => "text",
            Printed::Bytes => "bytes",
        }),
        // Which file the context stands in is how one gets there.
        StoreKind::Kubernetes(cluster) => Fed::default()
            .text("kubernetes")
            .text(&cluster.context)
            .maybe(cluster.namespace.as_deref()),
    }
}

fn secret(secret: &SecretSpec) -> Fed {
    let fed = match &secret.shape {
        SecretShape::Argocd(shape) => Fed::default().text("argocd").text(shape),
        SecretShape::SealedKeys { namespace } => Fed::default().text("sealed keys").text(namespace),
        SecretShape::Kubernetes {
            namespace,
            name,
            kind,
            labels,
            annotations,
            immutable,
        } => Fed::default()
            .text("kubernetes")
            .text(namespace)
            .maybe(name.as_deref())
            .text(kind)
            .pairs(labels)
            .pairs(annotations)
            .flag(*immutable),
    };
    let fed = fed.pairs(&secret.set).flag(secret.optional);
    secret.from.iter().fold(fed, |fed, from| {
        let fed = fed
            .text(&from.store)
            .text(&from.path)
            .text(&from.keys.len().to_string());
        from.keys.iter().fold(fed, |fed, (ours, taken)| match taken {
            Taken::Key { key, field, base64 } => fed
                .text(ours)
                .text("key")
                .text(key)
                .maybe(field.as_deref())
                .flag(*base64),
            Taken::Template(parts) => parts
                .iter()
                .fold(fed.text(ours).text("template"), |fed, part| match part {
                    Part::Text(text) => fed.text("text").text(text),
                    Part::Key(key) => fed.text("key").text(key),
                }),
        })
    })
}

fn cluster(cluster: &Cluster) -> Fed {
    let state = match cluster.state {
        ClusterState::Survives => "survives",
        ClusterState::Rebuilt => "rebuilt",
        ClusterState::Absent => "absent",
    };
    let expect = match cluster.expect {
        Expect::Empty => "empty",
        Expect::Adopt => "adopt",
    };
    Fed::default()
        .text(state)
        .text(expect)
        .maybe(cluster.secret.as_deref())
        .maybe(cluster.context.as_deref())
        .maybe(cluster.server.as_ref().map(url::Url::as_str))
        .pairs(&cluster.labels)
        .pairs(&cluster.annotations)
}

fn agent(agent: &Agent) -> Fed {
    let kind = match agent.kind {
        AgentKind::Argocd => "argocd",
        AgentKind::Flux => "flux",
    };
    Fed::default()
        .text(kind)
        .place(&agent.from)
        .text(&agent.namespace)
        .maybe(agent.digest.as_deref())
        .list(&agent.values)
        .text(&agent.release)
}

fn approval(fed: Fed, approval: &Approval) -> Fed {
    fed.text(&approval.prompt).maybe(approval.confirm.as_deref())
}

fn program(fed: Fed, program: &Program) -> Fed {
    fed.list(&program.command)
        .maybe(program.source.as_deref())
        .list(&program.env)
        .flag(program.repeatable)
}

fn check(fed: Fed, check: &Check) -> Fed {
    match check {
        Check::Http { url, status } => fed.text("http").text(url.as_str()).text(&status.to_string()),
        Check::Condition {
            kind,
            namespace,
            name,
            is,
        } => fed.text("condition").text(kind).text(namespace).text(name).text(is),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Plan, RootInput, SourceAt, make};
    use crate::runbook;

    const COMMIT: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const OTHER: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    const RUNBOOK: &str = r#"apiVersion: gitops-dr/v1
kind: Runbook
name: shop
target: {context: new, expect: empty, rto: 30m}
sources:
  platform: {git: "https://git.example.com/p.git", revision: main, credentials: repo, mirrors: ["https://mirror.example.com/p.git"]}
  base: {git: "https://git.example.com/b.git", revision: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}
stores:
  - vault: {address: "https://vault.example.com", auth: {approle: {role-id: {env: ROLE}, secret-id: {env: SECRET}}}}
  - aws: {region: eu-west-1, replicas: [{region: eu-central-1}], profile: dr, role: {arn: "arn:aws:iam::1:role/dr"}}
  - sops: {source: base, path: sealed, age-key: {env: AGE}}
agent: {argocd: {from: {source: platform, path: argocd}}}
secrets:
  repo: {as: argocd/repository, from: [{vault: dr/repo, version: 1}]}
  edge: {as: argocd/cluster, from: [{vault: dr/edge}]}
  spare: {as: argocd/repo-write-creds, from: [{aws: dr/spare}]}
  keys: {as: {namespace: sealing, type: sealed-secrets/keys}, from: [{aws: dr/keys}]}
clusters:
  edge: {state: survives, secret: edge}
roots:
  - {id: infra, source: platform, path: infra}
  - {id: base, source: base, path: base}
steps:
  - {id: ask, after: infra, approve: {prompt: "is DNS moved?", timeout: 10m}}
  - {id: load, after: infra, run: {command: [load, data], timeout: 5m, repeatable: true, retries: 2}}
apps: {reports: {allow: [Suspended], reason: known}}
done: {critical: [cart], checks: [{http: {url: "https://shop.example.com/", status: 200}}]}
"#;

    fn input() -> Input {
        let root = |digest: &str| RootInput {
            digest: digest.into(),
            objects: vec![format!("Application argocd/{digest}")],
        };
        Input {
            sources: vec![SourceAt {
                name: "platform".into(),
                url: "https://git.example.com/p.git".into(),
                commit: COMMIT.into(),
            }],
            agent_version: "3.2.11".into(),
            agent_digest: "sha256:a".into(),
            agent_form: "plain".into(),
            roots: vec![root("infra"), root("base")],
            ..Input::default()
        }
    }

    fn plan(text: &str, change: impl Fn(&mut Input)) -> Plan {
        let (runbook, findings) = runbook::parse("shop.yaml", text);
        let runbook = runbook.unwrap_or_else(|| panic!("{findings:?}"));
        let mut input = input();
        change(&mut input);
        make(&runbook, &input)
    }

    fn as_it_is(_: &mut Input) {}

    /// Returns how the plan of the changed runbook differs from that of the runbook, in words.
    fn differs(from: &str, to: &str) -> String {
        assert_eq!(RUNBOOK.matches(from).count(), 1, "{from}");
        let (before, now) = (plan(RUNBOOK, as_it_is), plan(&RUNBOOK.replace(from, to), as_it_is));
        let difference = Difference::between(&before.covers, &now.covers);
        assert_eq!(
            before.digest == now.digest,
            difference == Difference::default(),
            "{from} → {to}"
        );
        difference.words().join("; ")
    }

    #[test]
    fn what_is_planned_is_another_plan_and_is_named() {
        for (from, to, words) in [
            ("revision: main", "revision: v1", "otherwise now: source platform"),
            (
                "https://git.example.com/p.git",
                "https://git.example.com/q.git",
                "otherwise now: source platform",
            ),
            (COMMIT, OTHER, "otherwise now: source base"),
            (
                "https://vault.example.com",
                "https://other.example.com",
                "otherwise now: store vault",
            ),
            ("region: eu-west-1", "region: eu-west-2", "otherwise now: store aws"),
            (
                "region: eu-west-1",
                "region: eu-west-1, endpoint: \"https://vpce.example.com\"",
                "otherwise now: store aws",
            ),
            ("path: sealed", "path: other", "otherwise now: store sops"),
            (
                "{source: base, path: sealed",
                "{folder: base, path: sealed",
                "otherwise now: store sops",
            ),
            ("path: argocd", "path: argo", "otherwise now: agent"),
            (
                "path: argocd}",
                "path: argocd}, digest: \"sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc\"",
                "otherwise now: agent",
            ),
            ("vault: dr/repo,", "vault: dr/other,", "otherwise now: secret repo"),
            (
                "version: 1}]",
                "version: 1, keys: {password: pass}}]",
                "otherwise now: secret repo",
            ),
            (
                "as: argocd/repository",
                "as: argocd/repo-creds",
                "otherwise now: secret repo",
            ),
            (
                "[{vault: dr/edge}]",
                "[{vault: dr/edge}], optional: true",
                "otherwise now: secret edge",
            ),
            (
                "state: survives",
                "state: absent",
                "otherwise now: cluster edge; no longer there: step cluster/edge, step apps/clusters",
            ),
            ("path: infra", "path: infrastructure", "otherwise now: root infra"),
            ("roots:\n", "order: graph\nroots:\n", "new: step leaves"),
            (
                "id: base, source: base, path: base}",
                "id: base, source: base, path: base}\n  - {id: more, source: platform, path: more}",
                "new: root more",
            ),
            (
                "  - {id: base, source: base, path: base}\n",
                "",
                "no longer there: root base",
            ),
            ("is DNS moved?", "is DNS there?", "otherwise now: step ask"),
            (
                "command: [load, data]",
                "command: [load, other]",
                "otherwise now: step load",
            ),
            (
                "timeout: 5m, repeatable: true, retries: 2}",
                "timeout: 5m}",
                "otherwise now: step load",
            ),
            (
                "id: load, after: infra",
                "id: load, after: base",
                "the order is another",
            ),
            ("allow: [Suspended]", "ignore: true", "otherwise now: app reports"),
            (
                "critical: [cart]",
                "critical: [cart, search]",
                "otherwise now: step critical",
            ),
            ("status: 200", "status: 204", "otherwise now: check 1"),
            (
                "allow: [Suspended], reason: known}",
                "allow: [Suspended], reason: known}, tests: {ignore: true, reason: old}",
                "new: app tests",
            ),
        ] {
            assert_eq!(differs(from, to), words, "{from} → {to}");
        }
    }

    #[test]
    fn a_set_of_keys_for_another_controller_is_another_plan() {
        for (from, to, words) in [
            (
                "namespace: sealing",
                "namespace: kube-system",
                "otherwise now: secret keys",
            ),
            (
                "{namespace: sealing, type: sealed-secrets/keys}",
                "argocd/tls-certs",
                "otherwise now: secret keys; no longer there: step sealed-keys",
            ),
        ] {
            assert_eq!(differs(from, to), words, "{from} → {to}");
        }
    }

    #[test]
    fn budgets_versions_logins_other_addresses_and_reasons_are_no_other_plan() {
        for (from, to) in [
            ("rto: 30m", "rto: 10m"),
            ("version: 1", "version: 2"),
            ("dr/repo, version: 1", "dr/repo"),
            ("timeout: 10m", "timeout: 1h"),
            (
                "timeout: 5m, repeatable: true, retries: 2",
                "timeout: 1m, repeatable: true",
            ),
            ("{env: ROLE}", "{env: OTHER_ROLE}"),
            ("age-key: {env: AGE}", "age-key: {file: /etc/age}, program: sops-3.9"),
            ("secret-id: {env: SECRET}", "secret-id: {env: SECRET}, wrapped: true"),
            ("{region: eu-central-1}", "{region: eu-north-1}"),
            ("profile: dr, ", ""),
            (", role: {arn: \"arn:aws:iam::1:role/dr\"}", ""),
            (", mirrors: [\"https://mirror.example.com/p.git\"]", ""),
            ("context: new", "context: newer"),
            ("reason: known", "reason: it is known"),
            ("reason: known", "rerun-hooks: true, reason: known"),
            ("reason: known", "sync: true, reason: known"),
            (
                "reason: known}",
                "reason: known}, tests: {rerun-hooks: true, reason: it does no harm}",
            ),
        ] {
            assert_eq!(differs(from, to), "", "{from} → {to}");
        }
    }

    #[test]
    fn where_values_come_from_is_planned_and_how_one_gets_there_is_not() {
        let files = |folder: &str| StoreKind::Files(runbook::Files { folder: folder.into() });
        let env = |prefix: &str| StoreKind::Env(runbook::Env { prefix: prefix.into() });
        let exec = |program: &str, env: &str, output| {
            StoreKind::Exec(Box::new(runbook::Exec {
                command: vec![program.into()],
                env: vec![env.into()],
                timeout: None,
                output,
            }))
        };
        let cluster = |context: &str, kubeconfig: &str, namespace: &str| {
            StoreKind::Kubernetes(Box::new(runbook::Kubernetes {
                context: context.into(),
                kubeconfig: Some(kubeconfig.into()),
                namespace: Some(namespace.into()),
            }))
        };
        for (one, other, is_planned) in [
            (files("/a"), files("/b"), true),
            (env("A_"), env("B_"), true),
            (exec("op", "A", Printed::Json), exec("pass", "A", Printed::Json), true),
            (exec("op", "A", Printed::Text), exec("op", "A", Printed::Bytes), true),
            (exec("op", "A", Printed::Json), exec("op", "B", Printed::Json), false),
            (cluster("a", "/a", "dr"), cluster("b", "/a", "dr"), true),
            (cluster("a", "/a", "dr"), cluster("a", "/a", "other"), true),
            (cluster("a", "/a", "dr"), cluster("a", "/b", "dr"), false),
            (files("A_"), env("A_"), true),
        ] {
            assert_eq!(
                store(&one).end() != store(&other).end(),
                is_planned,
                "{one:?} {other:?}"
            );
        }
    }

    #[test]
    fn what_a_pinned_source_renders_to_is_planned_and_what_a_followed_one_does_is_not() {
        let before = plan(RUNBOOK, as_it_is);
        let followed = plan(RUNBOOK, |input| {
            input.sources[0].commit = OTHER.into();
            input.roots[0].digest = "moved".into();
            input.roots[0].objects.clear();
            (input.agent_version, input.agent_digest) = ("3.3.0".into(), "sha256:b".into());
        });
        assert_eq!(followed.digest, before.digest);
        let pinned = plan(RUNBOOK, |input| input.roots[1].digest = "other".into());
        assert_ne!(pinned.digest, before.digest);
        let difference = Difference::between(&before.covers, &pinned.covers);
        assert_eq!(difference.words(), ["otherwise now: root base"]);
        assert!(difference.holds("root base") && !difference.holds("root infra"));
    }
}
