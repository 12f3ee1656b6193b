//! What the server would refuse, learnt by dry runs: an access review knows nothing of privilege escalation and admission.
//!
//! Which system it would hit if the target were wrong: none. Every request here is a dry run, of which the server keeps
//! nothing; tests hold that against the API server's audit log.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, stream};
use serde_json::Value;

use super::batch::IN_FLIGHT;
use super::connect::Cluster;
use super::error::{Error, ErrorKind};
use crate::object::{Manifest, ObjectRef};

/// The group of roles and bindings, which the server takes only from who holds what they grant.
const RBAC: &str = "rbac.authorization.k8s.io";

/// Where the roles of a namespace that does not exist yet are tried: every cluster has it.
const ELSEWHERE: &str = "default";

/// What came of trying.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tried {
    /// What the server would refuse, each with its place and the server's words.
    pub refused: Vec<String>,
    /// What could not be tried, and why.
    pub untried: Vec<String>,
}

impl Cluster {
    /// Asks the server by dry runs whether it would take these objects, each with the namespace that it goes to if it names
    /// none. Objects of kinds that are not served yet are left out, and so are those of namespaces that do not exist yet, but
    /// for their roles and bindings.
    pub async fn try_out(&self, objects: &[(&Manifest, &str)]) -> Result<Tried, Error> {
        let mut located = Vec::new();
        for (manifest, namespace) in objects {
            if let Ok(id) = self.located(manifest, namespace) {
                located.push((*manifest, id));
            }
        }
        let mut exists = BTreeMap::new();
        let namespaces: BTreeSet<&String> = located.iter().map(|(_, id)| &id.namespace).collect();
        for namespace in namespaces.into_iter().filter(|namespace| !namespace.is_empty()) {
            let id = ObjectRef::new("v1", "Namespace", "", namespace);
            exists.insert(namespace.clone(), self.get(&id).await?.is_some());
        }
        let coming: BTreeSet<(&str, &str)> = located
            .iter()
            .filter(|(manifest, _)| manifest.group() == RBAC)
            .map(|(manifest, _)| (manifest.kind(), manifest.text("/metadata/name")))
            .collect();
        let requests: Vec<_> = located
            .iter()
            .filter_map(|(manifest, id)| {
                let namespace = if id.namespace.is_empty() || exists.get(&id.namespace) == Some(&true) {
                    id.namespace.clone()
                } else if manifest.group() == RBAC {
                    ELSEWHERE.to_owned()
                } else {
                    return None;
                };
                Some(async move { (*manifest, id, self.dry_run(&moved(manifest, &namespace), "").await) })
            })
            .collect();
        let answers: Vec<_> = stream::iter(requests).buffered(IN_FLIGHT).collect().await;
        let mut tried = Tried::default();
        for (manifest, id, answer) in answers {
            let Err(error) = answer else { continue };
            let causes = error.causes().join(": ");
            let origin = manifest.origin();
            let words = match origin.line {
                0 => format!("{id}: {causes}"),
                line => format!("{id} ({}:{line}): {causes}", origin.file),
            };
            match verdict(&error, manifest, &coming) {
                Verdict::Refused => tried.refused.push(words),
                Verdict::Untried => tried.untried.push(words),
                Verdict::Later => {}
            }
        }
        Ok(tried)
    }
}

/// What an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// The object would be refused.
    Refused,
    /// It could not be tried.
    Untried,
    /// It is for the real apply to find out.
    Later,
}

fn verdict(error: &Error, manifest: &Manifest, coming: &BTreeSet<(&str, &str)>) -> Verdict {
    let says = |words: &str| error.causes().iter().any(|cause| cause.contains(words));
    match error.kind() {
        // Who else owns fields is told by the real apply, which looks first whether it would change anything.
        ErrorKind::Conflict => Verdict::Later,
        // The role that a binding names is applied before it (`pkg/registry/rbac/rolebinding/policybased/storage.go` reads it
        // unless we may `bind` whatever it grants); the try of the role has shown that we may grant it.
        ErrorKind::NotFound if coming.contains(&(manifest.text("/roleRef/kind"), manifest.text("/roleRef/name"))) => {
            Verdict::Later
        }
        // A webhook that says it has side effects is not asked in a dry run, and the server then refuses the request.
        ErrorKind::Invalid if says("does not support dry run") => Verdict::Untried,
        ErrorKind::Denied
        | ErrorKind::Invalid
        | ErrorKind::NotFound
        | ErrorKind::UnknownKind
        | ErrorKind::NotServed
        | ErrorKind::NoNamespace
        | ErrorKind::OtherCluster
        | ErrorKind::Held => Verdict::Refused,
        // A webhook whose pods are gone is what a recovery is there to mend.
        ErrorKind::Server
        | ErrorKind::Fault
        | ErrorKind::Terminating
        | ErrorKind::Unreachable
        | ErrorKind::Kubeconfig
        | ErrorKind::Unauthenticated
        | ErrorKind::Stopped => Verdict::Untried,
    }
}

/// Returns the object in another namespace.
fn moved(manifest: &Manifest, namespace: &str) -> Manifest {
    let mut moved = manifest.clone();
    if let Some(metadata) = moved
        .value_mut()
        .pointer_mut("/metadata")
        .and_then(Value::as_object_mut)
    {
        if namespace.is_empty() {
            metadata.remove("namespace");
        } else {
            metadata.insert("namespace".into(), namespace.into());
        }
    }
    moved
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::Origin;

    #[test]
    fn only_what_the_server_would_refuse_stops_a_recovery() {
        let binding = Manifest::new(
            json!({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "b"},
                "roleRef": {"kind": "Role", "name": "r"},
            }),
            Origin::default(),
        )
        .unwrap();
        let coming = BTreeSet::from([("Role", "r")]);
        let error = |kind, cause: &str| Error::new(kind, "cannot apply").because(cause);
        for (error, coming, expected) in [
            (error(ErrorKind::Denied, "forbidden"), &coming, Verdict::Refused),
            (error(ErrorKind::Invalid, "spec: immutable"), &coming, Verdict::Refused),
            (
                error(ErrorKind::Invalid, "admission webhook \"w\" does not support dry run"),
                &coming,
                Verdict::Untried,
            ),
            (error(ErrorKind::Server, "no endpoints"), &coming, Verdict::Untried),
            (error(ErrorKind::Conflict, "kubectl"), &coming, Verdict::Later),
            (error(ErrorKind::NotFound, "role r"), &coming, Verdict::Later),
            (error(ErrorKind::NotFound, "role r"), &BTreeSet::new(), Verdict::Refused),
        ] {
            assert_eq!(
                verdict(&error, &binding, coming),
                expected,
                "{error} {:?}",
                error.causes()
            );
        }
    }
}
