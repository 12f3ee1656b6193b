//! A binding needs its role; pods need the rights that a binding gives to their service account only once they ask for something.

use std::collections::HashSet;

use super::super::draft::Draft;
use super::super::kinds::{RBAC, items, text};
use super::super::reason::Reason;
use super::super::whole::Whole;

/// Puts bindings behind their roles, and better behind whom they are for.
pub(super) fn draw<'p>(whole: &Whole<'p>, draft: &mut Draft<'p>) {
    let accounts: HashSet<(&str, &str, &str)> = whole
        .of_kind("", "ServiceAccount")
        .map(|one| (one.cluster, one.namespace, one.name))
        .collect();
    for kind in ["RoleBinding", "ClusterRoleBinding"] {
        for binding in whole.of_kind(RBAC, kind) {
            let object = draft.of(binding);
            let value = binding.manifest.value();
            let (of, name) = (text(value, "/roleRef/kind"), text(value, "/roleRef/name"));
            if matches!(of, "Role" | "ClusterRole") && !name.is_empty() {
                let namespace = if of == "Role" { binding.namespace } else { "" };
                let role = draft.object(binding.cluster, (RBAC, of), namespace, name);
                draft.must(object.exists(), role.exists(), Reason::Role, binding);
            }
            for subject in items(value, "/subjects").filter(|subject| text(subject, "/kind") == "ServiceAccount") {
                let (namespace, name) = (text(subject, "/namespace"), text(subject, "/name"));
                // One that nobody brings gives a right to nobody, and holds nothing up.
                if accounts.contains(&(binding.cluster, namespace, name)) {
                    let account = draft.object(binding.cluster, ("", "ServiceAccount"), namespace, name);
                    draft.better(object.healthy(), account.exists(), Reason::Subject, binding);
                }
            }
        }
    }
}
