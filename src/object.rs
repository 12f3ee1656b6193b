//! Kubernetes objects as data: their identity, and a manifest with the place it came from.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The identity of an object. Two references are equal when group, kind, namespace and name are; the version is how it
/// was written, not what it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ObjectRef {
    /// The API group; empty for the core group.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// The API version, such as `v1`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// The kind.
    pub kind: String,
    /// The namespace; empty for cluster-scoped objects.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl ObjectRef {
    /// Makes a reference from the `apiVersion` string of a manifest.
    pub fn new(api_version: &str, kind: &str, namespace: &str, name: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    /// Returns `apiVersion` as a manifest writes it.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    fn key(&self) -> (&str, &str, &str, &str) {
        (&self.group, &self.kind, &self.namespace, &self.name)
    }
}

impl PartialEq for ObjectRef {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for ObjectRef {}

impl PartialOrd for ObjectRef {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ObjectRef {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl std::hash::Hash for ObjectRef {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl fmt::Display for ObjectRef {
    /// Writes `Kind.group namespace/name`, without what is empty.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        f.write_str(" ")?;
        if !self.namespace.is_empty() {
            write!(f, "{}/", self.namespace)?;
        }
        f.write_str(&self.name)
    }
}

/// Where a manifest was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// The file within its source, or the program that wrote it.
    pub file: String,
    /// The line of the document's first key, counted from 1; 0 where it is unknown.
    pub line: usize,
}

/// An object as it is to be, with where it came from.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// The object; always a mapping with `apiVersion`, `kind` and `metadata`.
    value: Value,
    /// Where it was read.
    origin: Origin,
}

/// Why a value is not a manifest.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NotAManifest {
    /// The document is not a mapping.
    #[error("the document is not a mapping")]
    NotAMapping,
    /// A field that every object has is missing or is not text.
    #[error("`{0}` is missing or is not text")]
    Missing(&'static str),
}

/// Whether a text is a DNS label (RFC 1123), as the names of namespaces are.
pub fn is_label(text: &str) -> bool {
    let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() <= 63
        && text.bytes().all(|byte| alphanumeric(&byte) || byte == b'-')
        && text.as_bytes().first().is_some_and(alphanumeric)
        && text.as_bytes().last().is_some_and(alphanumeric)
}

/// Whether a text is a DNS subdomain (RFC 1123), as the names of most objects are: labels with dots between them.
pub fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label)
}

/// Returns what is at a JSON pointer, as [`Value::pointer`] does, without a copy of each part of the pointer: while a platform is
/// awaited all of it is asked again with each change.
pub fn at<'value>(value: &'value Value, pointer: &str) -> Option<&'value Value> {
    if pointer.is_empty() || pointer.contains('~') {
        return value.pointer(pointer);
    }
    pointer
        .strip_prefix('/')?
        .split('/')
        .try_fold(value, |value, part| match value {
            Value::Object(fields) => fields.get(part),
            Value::Array(_) => value.pointer(&format!("/{part}")),
            _ => None,
        })
}

impl Manifest {
    /// Takes a document as an object. A `List` is an object too; see [`Manifest::items`].
    pub fn new(value: Value, origin: Origin) -> Result<Self, NotAManifest> {
        if !value.is_object() {
            return Err(NotAManifest::NotAMapping);
        }
        let manifest = Self { value, origin };
        for (path, name) in [("/apiVersion", "apiVersion"), ("/kind", "kind")] {
            if manifest.text(path).is_empty() {
                return Err(NotAManifest::Missing(name));
            }
        }
        if !manifest.is_list() && manifest.text("/metadata/name").is_empty() {
            return Err(NotAManifest::Missing("metadata.name"));
        }
        Ok(manifest)
    }

    /// Returns the text at a JSON pointer; empty where there is none.
    pub fn text(&self, pointer: &str) -> &str {
        at(&self.value, pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns the object.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Returns the object for changing. `apiVersion`, `kind` and `metadata.name` must stay.
    pub fn value_mut(&mut self) -> &mut Value {
        &mut self.value
    }

    /// Returns where it was read.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Returns its identity.
    pub fn id(&self) -> ObjectRef {
        ObjectRef::new(
            self.text("/apiVersion"),
            self.kind(),
            self.text("/metadata/namespace"),
            self.text("/metadata/name"),
        )
    }

    /// Returns the kind.
    pub fn kind(&self) -> &str {
        self.text("/kind")
    }

    /// Returns the API group; empty for the core group.
    pub fn group(&self) -> &str {
        self.text("/apiVersion").split_once('/').map_or("", |(group, _)| group)
    }

    /// Whether it is of this group and kind, in whatever version.
    pub fn is(&self, group: &str, kind: &str) -> bool {
        self.group() == group && self.kind() == kind
    }

    /// Whether it is a `List` that only wraps others.
    pub fn is_list(&self) -> bool {
        self.kind().ends_with("List") && self.value.get("items").is_some_and(Value::is_array)
    }

    /// Returns the objects of a `List`, or the object itself.
    pub fn items(self) -> Vec<Result<Self, NotAManifest>> {
        if !self.is_list() {
            return vec![Ok(self)];
        }
        let Self { mut value, origin } = self;
        match value.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => items.into_iter().map(|item| Self::new(item, origin.clone())).collect(),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_at_a_pointer_is_what_json_pointers_say() {
        let object = json!({"spec": {"ports": [{"name": "http"}, 8080], "a/b": {"~": 1}, "": 2}, "0": {"": 3}});
        for pointer in [
            "",
            "/",
            "/spec",
            "/spec/",
            "/spec/ports",
            "/spec/ports/0/name",
            "/spec/ports/1",
            "/spec/ports/01",
            "/spec/ports/2",
            "/spec/ports/-",
            "/spec/ports/x/name",
            "/spec/a~1b/~0",
            "/spec/a/b",
            "/0/",
            "spec",
        ] {
            assert_eq!(at(&object, pointer), object.pointer(pointer), "{pointer}");
        }
    }

    #[test]
    fn a_reference_reads_as_people_write_it() {
        assert_eq!(
            ObjectRef::new("apps/v1", "Deployment", "shop", "cart").to_string(),
            "Deployment.apps shop/cart"
        );
        assert_eq!(
            ObjectRef::new("v1", "Namespace", "", "shop").to_string(),
            "Namespace shop"
        );
    }

    #[test]
    fn the_version_does_not_make_another_object() {
        assert_eq!(
            ObjectRef::new("apps/v1", "Deployment", "a", "b"),
            ObjectRef::new("apps/v1beta1", "Deployment", "a", "b")
        );
    }

    #[test]
    fn a_list_gives_its_items() {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}}, 3]});
        let items = Manifest::new(list, Origin::default()).unwrap().items();
        assert_eq!(items[0].as_ref().unwrap().id().name, "a");
        assert_eq!(items[1].as_ref().unwrap_err(), &NotAManifest::NotAMapping);
    }
}
