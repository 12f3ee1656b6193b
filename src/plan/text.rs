//! The plan as people read it.

use std::fmt;

use super::{Plan, PlannedApp};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "plan of {} · {}", self.runbook, self.digest)?;
        for source in &self.sources {
            writeln!(f, "  source {} {} at {}", source.name, source.url, source.commit)?;
        }
        for (index, item) in self.steps.iter().enumerate() {
            let (phase, title, id) = (item.step.phase.word(), &item.step.title, &item.step.id);
            writeln!(f, "{:>3}. {phase:<9} {title} [{id}]", index + 1)?;
            for detail in &item.details {
                writeln!(f, "               {detail}")?;
            }
        }
        if !self.apps.is_empty() {
            writeln!(f, "  {}", followers(&self.apps))?;
        }
        for app in &self.apps {
            for why in &app.unknown {
                writeln!(f, "  ? {} is not known beforehand: {why}", app.app)?;
            }
        }
        for notice in &self.notices {
            writeln!(f, "  ! {notice}")?;
        }
        Ok(())
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
    format!("from the roots follow {applications}{sets} with {}", many(objects, "object", "objects"))
}

#[cfg(test)]
mod tests {
    use crate::plan::{Input, make};

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
}
