//! Where an object comes from that no app brings.

use std::collections::HashMap;

use super::draft::Key;
use super::input::Known;
use super::kinds::{RBAC, SCHEDULING};
use super::node::Standing;

/// Namespaces that every cluster has.
const NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];
/// Roles that every API server makes; all others of its own begin with `system:`.
const ROLES: [&str; 4] = ["admin", "cluster-admin", "edit", "view"];

/// Returns where each object comes from that is known to be there; of several words the first in their order.
pub(super) fn given(known: &Known) -> HashMap<Key<'_>, Standing> {
    let mut all = HashMap::new();
    for given in &known.given {
        let id = &given.id;
        let key = Key {
            cluster: &given.cluster,
            group: &id.group,
            kind: &id.kind,
            namespace: &id.namespace,
            name: id.name.as_str().into(),
        };
        all.entry(key)
            .and_modify(|by: &mut Standing| *by = given.by.min(*by))
            .or_insert(given.by);
    }
    all
}

/// Says where it comes from.
pub(super) fn standing(key: &Key<'_>, given: &HashMap<Key<'_>, Standing>) -> Standing {
    match given.get(key) {
        Some(by) => *by,
        None if is_built_in(key) => Standing::BuiltIn,
        // Steps and roots are the runbook's own words.
        None if key.group.is_empty() && matches!(key.kind, "Step" | "Root") => Standing::Runbook,
        None => Standing::Missing,
    }
}

fn is_built_in(key: &Key<'_>) -> bool {
    let name = key.name.as_ref();
    match (key.group, key.kind) {
        ("", "Namespace") => NAMESPACES.contains(&name),
        ("", "ServiceAccount") => name == "default",
        ("", "ConfigMap") => name == "kube-root-ca.crt",
        ("", "Service") => key.namespace == "default" && name == "kubernetes",
        (RBAC, "ClusterRole") => ROLES.contains(&name) || name.starts_with("system:"),
        (RBAC, "Role") => {
            name.starts_with("system:")
                || (key.namespace == "kube-system" && name == "extension-apiserver-authentication-reader")
        }
        (SCHEDULING, "PriorityClass") => name.starts_with("system-"),
        _ => false,
    }
}
