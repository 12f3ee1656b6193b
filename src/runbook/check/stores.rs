//! What the stores are reached by: whether that can still open in an outage.

use super::super::tree::Node;
use super::Check;

impl Check<'_> {
    /// Checks how stores are reached.
    pub(super) fn stores(&mut self) {
        for store in self.root.list("stores") {
            if let Some(auth) = store.get("vault").and_then(|vault| vault.get("auth")) {
                self.login(auth);
            }
            if let Some(cluster) = store.get("kubernetes") {
                self.another_cluster(cluster);
            }
        }
    }

    fn login(&mut self, auth: &Node) {
        let key = |name: &str| auth.entries().iter().find(|entry| entry.key == name);
        if let Some(wrapped) = key("wrapped")
            && key("token").is_none()
            && auth.entries().len() > 1
        {
            self.error(
                "runbook/wrapped-what",
                wrapped.span,
                "only a token can be wrapped here",
                "of an AppRole it is the secret id: write `wrapped` beside `secret-id`".to_owned(),
            );
        }
        // Whoever moved the login to a cluster that lives has changed nothing that could be seen here.
        if let Some(kubernetes) = key("kubernetes") {
            self.warning(
                "runbook/login-of-the-lost-cluster",
                kubernetes.span,
                "a login by a ServiceAccount opens nothing if its cluster is the one that is lost",
                "log in by what depends on no cluster, such as `approle`, `jwt` or `cert`, unless the account is of a cluster that lives"
                    .to_owned(),
            );
        }
    }

    /// Reports a store in the very cluster that is restored.
    fn another_cluster(&mut self, store: &Node) {
        let target = self.root.get("target").and_then(|target| target.get("context"));
        let (Some(context), Some(target)) = (store.get("context"), target.and_then(Node::text)) else {
            return;
        };
        // In a file of its own a context of the same name may lead elsewhere.
        if store.get("kubeconfig").is_none() && context.text() == Some(target) {
            self.error(
                "runbook/store-in-target",
                context.span,
                "this context leads to the target, which is what is restored",
                "name the context of a cluster that lives on".to_owned(),
            );
        }
    }
}
