//! Settings of an Application that are in the folder it names.

use serde_json::Value;

/// The file that changes every Application that names its folder (`repoSourceFile` in `reposerver/repository`).
pub const OVERRIDES: &str = ".argocd-source.yaml";

/// Returns the file in a folder that changes the Application of this name alone, such as Image Updater writes. It is merged
/// after [`OVERRIDES`].
pub fn overrides_of(app: &str) -> String {
    format!(".argocd-source-{app}.yaml")
}

/// Merges what such a file says into a source: an RFC 7396 merge patch (`mergeSourceParameters` in `reposerver/repository`).
/// Where the source is from stays as it is.
pub fn overridden(source: &Value, file: &Value) -> Value {
    let mut merged = source.clone();
    merge(&mut merged, file);
    for kept in ["chart", "path", "repoURL", "targetRevision"] {
        match (source.get(kept), merged.as_object_mut()) {
            (Some(value), Some(fields)) => drop(fields.insert(kept.to_owned(), value.clone())),
            (None, Some(fields)) => drop(fields.shift_remove(kept)),
            (_, None) => return source.clone(),
        }
    }
    merged
}

fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Some(fields) = target.as_object_mut() else { return };
    for (name, change) in changes {
        if change.is_null() {
            fields.shift_remove(name);
        } else {
            merge(fields.entry(name.as_str()).or_insert(Value::Null), change);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_image_updater_wrote_is_merged_and_the_place_stays() {
        let source = json!({"repoURL": "r", "path": "p", "kustomize": {"images": ["a:1"], "namePrefix": "x-"}, "helm": {"values": "v"}});
        let file = json!({"kustomize": {"images": ["a:2", "b:1"], "nameSuffix": "-y"}, "helm": null, "path": "elsewhere",
            "targetRevision": "evil", "chart": "c"});
        assert_eq!(
            overridden(&source, &file),
            json!({"repoURL": "r", "path": "p", "kustomize": {"images": ["a:2", "b:1"], "namePrefix": "x-", "nameSuffix": "-y"}})
        );
        assert_eq!(overridden(&source, &json!("text")), source);
        assert_eq!(overrides_of("cart"), ".argocd-source-cart.yaml");
    }
}
