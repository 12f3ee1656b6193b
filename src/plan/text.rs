//! The plan as people read it.

use std::fmt;

use super::{Plan, PlannedApp, Remark};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "plan of {} · {}", self.runbook, self.digest)?;
        for source in &self.sources {
            writeln!(f, "  source {} {} at {}", source.name, source.url, source.commit)?;
        }
        for (index, item) in self.steps.iter().enumerate() {
            let (phase, title, id) = (item.step.phase.word(), &item.step.title, &item.step.id);
            writeln!(f, "{:>3}. {phase:<9} {title} [{id}]", index + 1)?;
            for line in bounded(&item.details) {
                writeln!(f, "               {line}")?;
            }
        }
        if !self.apps.is_empty() {
            writeln!(f, "  {}", followers(&self.apps))?;
        }
        if let Some(waves) = &self.waves {
            write!(f, "{waves}")?;
        }
        let unknown: Vec<_> = self.apps.iter().filter(|app| !app.unknown.is_empty()).collect();
        for app in unknown.iter().take(BROKEN) {
            writeln!(f, "  {}", Remark::unknown(&app.app, &app.unknown))?;
        }
        if let Some(more @ 1..) = unknown.len().checked_sub(BROKEN) {
            writeln!(f, "  ? and {more} more that are not known beforehand{ALL}")?;
        }
        for app in self.manual.iter().take(SHOWN) {
            writeln!(f, "  {}", Remark::manual(app))?;
        }
        if let Some(more @ 1..) = self.manual.len().checked_sub(SHOWN) {
            writeln!(f, "  ! and {more} more without automated sync{ALL}")?;
        }
        for notice in self.notices.iter().take(NOTICES) {
            writeln!(f, "  ! {notice}")?;
        }
        if let Some(more @ 1..) = self.notices.len().checked_sub(NOTICES) {
            writeln!(f, "  ! and {more} more notices{ALL}")?;
        }
        Ok(())
    }
}

/// How many notices are shown: each is for a person to weigh, so only a flood is cut.
const NOTICES: usize = 24;

/// Where what is not shown is told.
pub(super) const ALL: &str = ": --output json has all";

/// Cuts lists of details to a few lines each. A list is what stands side by side below the same line.
fn bounded(details: &[String]) -> Vec<String> {
    let depth = |line: &str| line.len() - line.trim_start().len();
    let mut lines = Vec::new();
    for list in details.chunk_by(|one, next| depth(one) == depth(next)) {
        let indent = depth(&list[0]);
        // A line that says how many more there are takes the place of two at least.
        let shown = if list.len() > SHOWN + 1 { SHOWN } else { list.len() };
        lines.extend(list[..shown].iter().cloned());
        if let Some(more @ 1..) = list.len().checked_sub(shown) {
            lines.push(format!("{:indent$}and {more} more", ""));
        }
    }
    lines
}

/// How many apps that cannot be told beforehand are told of: most of these are somebody's mistake.
const BROKEN: usize = 20;

/// How many names a line shows, and how many lines a list.
pub(super) const SHOWN: usize = 8;

/// Names the first few of many: `a, b and 3 more`.
pub(super) fn few(names: &[String]) -> String {
    let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Counts what follows from the roots.
fn followers(apps: &[PlannedApp]) -> String {
    let of = |kind: &str| apps.iter().filter(|app| app.app.kind == kind).count();
    let objects: usize = apps.iter().map(|app| app.objects.len()).sum();
    let many = |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let sets = match of("ApplicationSet") {
        0 => String::new(),
        count => format!(" and {}", many(count, "ApplicationSet", "ApplicationSets")),
    };
    let applications = many(of("Application"), "Application", "Applications");
    format!(
        "from the roots follow {applications}{sets} with {}",
        many(objects, "object", "objects")
    )
}

#[cfg(test)]
mod tests {
    use crate::object::ObjectRef;
    use crate::plan::{Input, PlannedApp, make};

    #[test]
    fn who_has_to_act_reads_in_the_plan_when_with_which_word_and_how_to_answer_beforehand() {
        let text = "apiVersion: gitops-dr/v1\nkind: Runbook\nname: shop\n\
             target: {context: new, replaces: {server: \"https://10.0.0.1:6443\"}}\n\
             sources:\n  platform: {git: \"https://git.example.com/p.git\", revision: main}\n\
             agent: {argocd: {from: {source: platform, path: argocd}}}\n\
             roots:\n  - {id: apps, source: platform, path: apps}\n\
             steps:\n  - {id: dump, after: apps, run: {command: [/bin/sh]}}\n  \
             - {id: data, after: dump, approve: {prompt: \"Is the data back?\", confirm: restored, timeout: 1h}}\n";
        let (runbook, findings) = crate::runbook::parse("shop.yaml", text);
        let runbook = runbook.unwrap_or_else(|| panic!("{findings:?}"));
        let mut plan = make(&runbook, &Input::default());
        plan.notices.push("The variable PGPASSWORD is not set.".into());
        let drawn = plan.to_string();
        for words in [
            "the run asks how it was fenced (beforehand: --fenced REASON)",
            "run /bin/sh [step/dump]",
            "--was-done dump=REASON or --do-again dump=REASON",
            "ask: Is the data back? [step/data]",
            "a person types `restored` (beforehand: --approve data=COMMENT, or --yes)",
            "waits 1h for an answer, and fails then",
            "  ! The variable PGPASSWORD is not set.",
        ] {
            assert!(drawn.contains(words), "{words}: {drawn}");
        }
    }

    #[test]
    fn a_big_plan_fits_a_screen_and_says_how_much_it_leaves_out() {
        let list = |indent: &str, count: usize| (0..count).map(move |number| format!("{indent}{number}")).collect();
        let cut = |lists: &[Vec<String>]| super::bounded(&lists.concat());
        let short: Vec<String> = list("", 9);
        assert_eq!(cut(std::slice::from_ref(&short)), short, "to cut one would win no line");
        let two: [Vec<String>; 4] = [
            vec!["crds:".into()],
            list("  ", 10),
            vec!["support:".into()],
            list("  ", 1000),
        ];
        let lines = cut(&two);
        assert_eq!(lines.len(), 2 + 9 + 9);
        assert_eq!(
            (lines[9].as_str(), lines[19].as_str()),
            ("  and 2 more", "  and 992 more")
        );

        let text = "apiVersion: gitops-dr/v1\nkind: Runbook\nname: shop\ntarget: {context: new}\n\
             sources:\n  platform: {git: \"https://git.example.com/p.git\", revision: main}\n\
             agent: {argocd: {from: {source: platform, path: argocd}}}\n\
             roots:\n  - {id: apps, source: platform, path: apps}\n";
        let mut plan = make(&crate::runbook::parse("shop.yaml", text).0.unwrap(), &Input::default());
        let lines_of_few = plan.to_string().lines().count();
        plan.apps = (0..1000)
            .map(|number| PlannedApp {
                app: ObjectRef::new(
                    "argoproj.io/v1alpha1",
                    "Application",
                    "argocd",
                    &format!("app-{number}"),
                ),
                parent: None,
                cluster: String::new(),
                namespace: String::new(),
                sources: Vec::new(),
                objects: Vec::new(),
                unknown: vec!["`plugin`".into(), "`other`".into()],
            })
            .collect();
        plan.manual = plan.apps.iter().map(|app| app.app.clone()).collect();
        plan.notices = (0..100).map(|number| format!("Notice {number}.")).collect();
        let drawn = plan.to_string();
        assert!(drawn.lines().count() < lines_of_few + 65, "{drawn}");
        for words in [
            "app-0 is not known beforehand: `plugin`, and 1 more reason\n",
            "  ? and 980 more that are not known beforehand: --output json has all\n",
            "  ! Application.argoproj.io argocd/app-0 has no automated sync, and is waited for",
            "  ! and 992 more without automated sync: --output json has all\n",
            "  ! and 76 more notices: --output json has all\n",
        ] {
            assert!(drawn.contains(words), "{words}: {drawn}");
        }
    }

    #[test]
    fn what_follows_is_counted_and_what_cannot_be_told_is_named_with_its_reason() {
        let app = |kind: &str, name: &str, unknown: &[&str]| PlannedApp {
            app: ObjectRef::new("argoproj.io/v1alpha1", kind, "argocd", name),
            parent: None,
            cluster: String::new(),
            namespace: String::new(),
            sources: Vec::new(),
            objects: Vec::new(),
            unknown: unknown.iter().map(ToString::to_string).collect(),
        };
        let text = "apiVersion: gitops-dr/v1\nkind: Runbook\nname: shop\ntarget: {context: new}\n\
             sources:\n  platform: {git: \"https://git.example.com/p.git\", revision: main}\n\
             agent: {argocd: {from: {source: platform, path: argocd}}}\n\
             roots:\n  - {id: apps, source: platform, path: apps}\n";
        let mut plan = make(&crate::runbook::parse("shop.yaml", text).0.unwrap(), &Input::default());
        assert!(!plan.to_string().contains("follow"));
        plan.apps = vec![
            app("Root", "apps", &[]),
            app("Application", "cart", &[]),
            app("Application", "search", &["`plugin`, which only the agent can render"]),
            app("ApplicationSet", "shards", &[]),
        ];
        let drawn = plan.to_string();
        for words in [
            "  from the roots follow 2 Applications and 1 ApplicationSet with 0 objects\n",
            "  ? Application.argoproj.io argocd/search is not known beforehand: `plugin`, which only the agent can render\n",
        ] {
            assert!(drawn.contains(words), "{words}: {drawn}");
        }
    }
}
