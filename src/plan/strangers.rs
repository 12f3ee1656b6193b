//! Apps of which the runbook speaks and that nobody knows.

use crate::graph::Platform;
use crate::runbook::{Runbook, among};

/// Says of each name under `apps` that none of the apps bears which follow from the roots, as far as these are known beforehand.
pub fn strangers(platform: &Platform, runbook: &Runbook) -> Vec<String> {
    let names: Vec<(String, &str)> = platform
        .apps
        .iter()
        .map(|app| (format!("{}/{}", app.id.namespace, app.id.name), app.id.name.as_str()))
        .collect();
    let is_known = |name: &str| names.iter().any(|(whole, bare)| whole == name || *bare == name);
    let strange = runbook.apps.keys().filter(|name| !is_known(name));
    strange
        .map(|name| {
            let words =
                format!("the runbook speaks of the app `{name}`, and no app that is known beforehand bears that name");
            let meant = among(name, names.iter().map(|(_, bare)| *bare));
            match meant.filter(|words| words.starts_with("did you mean")) {
                Some(meant) => format!("{words}: {meant}"),
                None => words,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::fixture_shop::shop;

    #[test]
    fn a_misspelt_app_is_told_with_the_one_that_was_meant() {
        let platform = shop().platform;
        for (app, told) in [
            ("vault", None),
            ("argocd/vault", None),
            ("vautl", Some("did you mean `vault`?")),
            ("zzz", Some("bears that name")),
        ] {
            let text = format!(
                "apiVersion: gitops-dr/v1\nkind: Runbook\nname: shop\ntarget: {{context: new}}\n\
                 sources:\n  platform: {{git: \"https://git.example.com/p.git\", revision: main}}\n\
                 agent: {{argocd: {{from: {{source: platform, path: argocd}}}}}}\n\
                 roots:\n  - {{id: apps, source: platform, path: apps}}\napps: {{{app}: {{ignore: true, reason: dead}}}}\n"
            );
            let (runbook, findings) = crate::runbook::parse("shop.yaml", &text);
            let found = strangers(&platform, &runbook.unwrap_or_else(|| panic!("{findings:?}")));
            assert_eq!(found.len(), usize::from(told.is_some()), "{app}: {found:?}");
            assert!(
                found.iter().all(|words| words.ends_with(told.unwrap_or_default())),
                "{found:?}"
            );
        }
    }
}
