//! How Argo CD knows which live objects are an Application's (`util/argo/resource_tracking.go`).

use serde_json::Value;

use super::application::text;

/// The annotation that says whose an object is.
const ID: &str = "argocd.argoproj.io/tracking-id";
/// The annotation that tells one Argo CD's objects from another's.
const INSTALLATION: &str = "argocd.argoproj.io/installation-id";
/// The label that says it, unless argocd-cm names another.
const LABEL: &str = "app.kubernetes.io/instance";

/// How one Argo CD marks its objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracking {
    by_label: bool,
    label: String,
    installation: String,
}

impl Tracking {
    /// Reads it from argocd-cm; without one it is as Argo CD does without being told.
    pub fn of(settings: Option<&Value>) -> Self {
        let said = |key: &str| {
            settings
                .and_then(|settings| settings.get("data")?.get(key)?.as_str())
                .unwrap_or_default()
        };
        let label = said("application.instanceLabelKey");
        Self {
            // `annotation+label` reads the annotation; the label is for others to see.
            by_label: said("application.resourceTrackingMethod") == "label",
            label: if label.is_empty() { LABEL } else { label }.to_owned(),
            installation: said("installationID").to_owned(),
        }
    }

    /// Returns the name of the app whose a live object is, as the mark spells it; its metadata is enough. A mark that was
    /// copied from another object, and an object that another one owns, count for nothing.
    pub fn owner<'object>(&self, object: &'object Value) -> Option<&'object str> {
        let metadata = object.get("metadata")?;
        let is_owned = metadata
            .get("ownerReferences")
            .and_then(Value::as_array)
            .is_some_and(|owners| !owners.is_empty());
        if is_owned {
            return None;
        }
        if self.by_label {
            return metadata
                .get("labels")?
                .get(&self.label)?
                .as_str()
                .filter(|app| !app.is_empty());
        }
        let annotation = |name: &str| metadata.get("annotations")?.get(name)?.as_str();
        if annotation(INSTALLATION).unwrap_or_default() != self.installation {
            return None;
        }
        let mut parts = annotation(ID)?.splitn(3, ':');
        let (app, kind, name) = (parts.next()?, parts.next()?, parts.next()?);
        let (group, kind) = kind.split_once('/')?;
        let (namespace, name) = name.split_once('/')?;
        let own_group = text(object, "/apiVersion")
            .rsplit_once('/')
            .map_or("", |(group, _)| group);
        let own_namespace = text(object, "/metadata/namespace");
        // Of an object of the whole cluster the mark bears the namespace that its app deploys to.
        let is_its_own = (own_namespace.is_empty() || own_namespace == namespace)
            && (own_group, text(object, "/kind"), text(object, "/metadata/name")) == (group, kind, name);
        Some(app).filter(|app| is_its_own && !app.is_empty())
    }

    /// Marks an object as an app's, as the agent does before it applies it. `namespace` is where the app deploys to.
    pub fn mark(&self, object: &mut Value, app: &str, namespace: &str) {
        let own = text(object, "/metadata/namespace");
        let namespace = if own.is_empty() { namespace } else { own };
        let group = text(object, "/apiVersion")
            .rsplit_once('/')
            .map_or("", |(group, _)| group);
        let id = format!(
            "{app}:{group}/{}:{namespace}/{}",
            text(object, "/kind"),
            text(object, "/metadata/name")
        );
        let mut put = |field: &str, key: &str, value: &str| {
            if !object["metadata"][field].is_object() {
                object["metadata"][field] = Value::Object(serde_json::Map::new());
            }
            object["metadata"][field][key] = value.into();
        };
        if self.by_label {
            put("labels", &self.label, app);
            return;
        }
        put("annotations", ID, &id);
        if !self.installation.is_empty() {
            put("annotations", INSTALLATION, &self.installation);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(id: &str) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {
            "name": "cart", "namespace": "shop", "annotations": {ID: id}, "labels": {LABEL: "labelled", "team": "own"},
        }})
    }

    fn settings(pairs: &[(&str, &str)]) -> Value {
        let data: serde_json::Map<_, _> = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), json!(value)))
            .collect();
        json!({"data": data})
    }

    #[test]
    fn only_a_mark_that_is_the_objects_own_counts() {
        let tracking = Tracking::of(None);
        for (id, owner) in [
            ("app:apps/Deployment:shop/cart", Some("app")),
            (
                "other-namespace_app:apps/Deployment:shop/cart",
                Some("other-namespace_app"),
            ),
            ("app:apps/Deployment:shop/other", None),
            ("app:apps/Deployment:other/cart", None),
            ("app:/Deployment:shop/cart", None),
            ("app:apps/StatefulSet:shop/cart", None),
            ("app", None),
            (":apps/Deployment:shop/cart", None),
        ] {
            assert_eq!(tracking.owner(&object(id)), owner, "{id}");
        }
        let mut owned = object("app:apps/Deployment:shop/cart");
        owned["metadata"]["ownerReferences"] = json!([{"kind": "Operator"}]);
        assert_eq!(tracking.owner(&owned), None);
        let cluster_wide = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {
            "name": "shop", "annotations": {ID: "app:/Namespace:elsewhere/shop"},
        }});
        assert_eq!(tracking.owner(&cluster_wide), Some("app"));
    }

    #[test]
    fn how_it_is_marked_is_a_matter_of_argocd_cm() {
        let marked = object("app:apps/Deployment:shop/cart");
        for (pairs, owner) in [
            (&[][..], Some("app")),
            (
                &[("application.resourceTrackingMethod", "annotation+label")],
                Some("app"),
            ),
            (&[("application.resourceTrackingMethod", "label")], Some("labelled")),
            (
                &[
                    ("application.resourceTrackingMethod", "label"),
                    ("application.instanceLabelKey", "team"),
                ],
                Some("own"),
            ),
            (&[("installationID", "other")], None),
        ] {
            assert_eq!(Tracking::of(Some(&settings(pairs))).owner(&marked), owner, "{pairs:?}");
        }
    }

    #[test]
    fn what_is_marked_is_known_again() {
        for pairs in [
            &[][..],
            &[("installationID", "ours")],
            &[("application.resourceTrackingMethod", "label")],
        ] {
            let tracking = Tracking::of(Some(&settings(pairs)));
            let mut bare =
                json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "cart", "namespace": "shop"}});
            assert_eq!(tracking.owner(&bare), None);
            tracking.mark(&mut bare, "app", "elsewhere");
            assert_eq!(tracking.owner(&bare), Some("app"), "{pairs:?}");
        }
    }
}
