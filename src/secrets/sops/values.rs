//! From a decrypted file to the values of a secret.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::document::{Kind, Leaf, Value};
use super::format::Format;
use super::ini;
use crate::redact::Secret;
use crate::secrets::WHOLE;

/// Returns the values of a secret by key. An error says which key cannot be handed on, and why.
///
/// Of a Secret of Kubernetes these are its `data`, decoded, and its `stringData`, which goes before. Of any other mapping they
/// are its own keys, with what is nested as JSON text; of an INI file `section.key`; of a binary file [`WHOLE`].
pub(super) fn of(tree: Value, format: Format) -> Result<BTreeMap<String, Secret>, String> {
    let is_secret = is_secret(&tree);
    let Value::Map(entries) = tree else {
        return Err("it holds no keys".into());
    };
    match format {
        Format::Binary => match entries.into_iter().find(|(key, _)| key == "data") {
            Some((_, Value::Leaf(leaf))) => Ok(BTreeMap::from([(WHOLE.to_owned(), leaf.text)])),
            _ => Err("it holds no `data`, as a binary file of SOPS does".into()),
        },
        Format::Ini => sections(entries),
        _ if is_secret => secret(entries),
        _ => entries
            .into_iter()
            .filter_map(|(key, value)| Some(text(&key, value).transpose()?.map(|text| (key, text))))
            .collect(),
    }
}

/// Returns the keys as far as they are known without decrypting; `None` where they are not.
pub(super) fn keys(tree: &Value, format: Format) -> Option<Vec<String>> {
    let Value::Map(entries) = tree else { return None };
    let names = |value: &Value| -> Vec<String> {
        match value {
            Value::Map(entries) => entries.iter().map(|(key, _)| key.clone()).collect(),
            _ => Vec::new(),
        }
    };
    let mut keys = match format {
        Format::Binary => vec![WHOLE.to_owned()],
        Format::Ini => entries
            .iter()
            .flat_map(|(section, value)| names(value).into_iter().map(|key| named(section, key)))
            .collect(),
        // Its kind may be encrypted as well; nothing else has these three.
        _ if tree.get("apiVersion").is_some() && tree.get("kind").is_some() => ["data", "stringData"]
            .into_iter()
            .filter_map(|part| tree.get(part))
            .flat_map(names)
            .collect(),
        _ => names(tree),
    };
    keys.sort();
    keys.dedup();
    Some(keys)
}

/// Whether it is a Secret of Kubernetes.
pub(super) fn is_secret(tree: &Value) -> bool {
    let says = |key: &str, word: &str| tree.get(key).and_then(Value::as_str) == Some(word);
    says("kind", "Secret") && says("apiVersion", "v1")
}

fn secret(entries: Vec<(String, Value)>) -> Result<BTreeMap<String, Secret>, String> {
    let mut values = BTreeMap::new();
    let mut open = BTreeMap::new();
    for (part, value) in entries {
        let Value::Map(entries) = value else { continue };
        for (key, value) in entries {
            match part.as_str() {
                "data" => {
                    let encoded = text(&key, value)?.unwrap_or_else(|| Secret::from(""));
                    // Line breaks in a folded text are no part of it.
                    let bare: Zeroizing<Vec<u8>> = Zeroizing::new(
                        encoded
                            .expose()
                            .iter()
                            .copied()
                            .filter(|byte| !byte.is_ascii_whitespace())
                            .collect(),
                    );
                    let decoded = STANDARD
                        .decode(&*bare)
                        .map_err(|_| format!("data.{key} is no base64"))?;
                    values.insert(key, Secret::new(decoded));
                }
                "stringData" => {
                    let value = text(&key, value)?.unwrap_or_else(|| Secret::from(""));
                    open.insert(key, value);
                }
                _ => {}
            }
        }
    }
    values.extend(open);
    Ok(values)
}

fn sections(sections: Vec<(String, Value)>) -> Result<BTreeMap<String, Secret>, String> {
    let mut values = BTreeMap::new();
    for (section, value) in sections {
        let Value::Map(entries) = value else { continue };
        for (key, value) in entries {
            let Some(value) = text(&key, value)? else { continue };
            let name = named(&section, key);
            // `[a.b] c` and `[a] b.c`: an empty one may have been added, and must not stand for the other.
            if values.contains_key(&name) {
                return Err(format!("{name} is there twice"));
            }
            values.insert(name, value);
        }
    }
    Ok(values)
}

fn named(section: &str, key: String) -> String {
    if section == ini::DEFAULT {
        key
    } else {
        format!("{section}.{key}")
    }
}

/// Returns a value as text; `None` for nothing: a key without a value is no key.
fn text(key: &str, value: Value) -> Result<Option<Secret>, String> {
    Ok(match value {
        Value::Null => None,
        Value::Leaf(leaf) => Some(leaf.text),
        nested => {
            let mut json = Zeroizing::new(Vec::with_capacity(1024));
            write(&nested, &mut json).ok_or_else(|| format!("{key} is nested and holds what is no text"))?;
            Some(Secret::new(json.as_slice()))
        }
    })
}

/// Writes a value as compact JSON; `None` where it holds bytes that are no text.
fn write(value: &Value, json: &mut Zeroizing<Vec<u8>>) -> Option<()> {
    match value {
        Value::Null => json.extend_from_slice(b"null"),
        Value::Leaf(Leaf { text, kind: Kind::Text }) => quoted(text.expose_str()?, json)?,
        Value::Leaf(leaf) => json.extend_from_slice(leaf.text.expose()),
        Value::List(items) => {
            json.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    json.push(b',');
                }
                write(item, json)?;
            }
            json.push(b']');
        }
        Value::Map(entries) => {
            json.push(b'{');
            for (index, (key, value)) in entries.iter().enumerate() {
                if index > 0 {
                    json.push(b',');
                }
                quoted(key, json)?;
                json.push(b':');
                write(value, json)?;
            }
            json.push(b'}');
        }
    }
    Some(())
}

fn quoted(text: &str, json: &mut Zeroizing<Vec<u8>>) -> Option<()> {
    serde_json::to_writer(&mut **json, text).ok()
}

#[cfg(test)]
mod tests {
    use super::super::{json, yaml};
    use super::*;

    fn shown(values: &BTreeMap<String, Secret>) -> Vec<(&str, &str)> {
        let shown = values
            .iter()
            .map(|(key, value)| (key.as_str(), value.expose_str().unwrap()));
        shown.collect()
    }

    #[test]
    fn a_mapping_gives_its_keys_and_what_is_nested_as_json() {
        let text = "user: me\nport: 5432\non: true\nnone: ~\nnested: {b: [1, \"x\\\"y\", null], a: false}\n";
        let values = of(yaml::read(text).unwrap(), Format::Yaml).unwrap();
        assert_eq!(
            shown(&values),
            [
                ("nested", r#"{"b":[1,"x\"y",null],"a":false}"#),
                ("on", "true"),
                ("port", "5432"),
                ("user", "me")
            ]
        );
    }

    #[test]
    fn a_secret_of_kubernetes_gives_its_data_decoded_and_what_is_open_goes_before() {
        let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\ndata:\n  user: bWU=\n  password: |\n    aHVu\n    dGVyMg==\nstringData: {user: you}\ntype: Opaque\n";
        let tree = yaml::read(text).unwrap();
        assert_eq!(keys(&tree, Format::Yaml), Some(vec!["password".into(), "user".into()]));
        let values = of(tree, Format::Yaml).unwrap();
        assert_eq!(shown(&values), [("password", "hunter2"), ("user", "you")]);
        let broken = yaml::read("apiVersion: v1\nkind: Secret\ndata: {a: hunter2!}\n").unwrap();
        assert_eq!(of(broken, Format::Yaml), Err("data.a is no base64".into()));
    }

    #[test]
    fn sections_are_a_part_of_a_key_and_a_binary_file_is_one_value() {
        let (tree, _) = ini::read("a = 1\n[db]\nuser = me\n").unwrap();
        assert_eq!(keys(&tree, Format::Ini), Some(vec!["a".into(), "db.user".into()]));
        assert_eq!(shown(&of(tree, Format::Ini).unwrap()), [("a", "1"), ("db.user", "me")]);
        let (twice, _) = ini::read("[a.b]\nc = 1\n[a]\nb.c =\n").unwrap();
        assert_eq!(of(twice, Format::Ini), Err("a.b.c is there twice".into()));
        let tree = json::read(r#"{"data": "all\nof it"}"#).unwrap();
        assert_eq!(keys(&tree, Format::Binary), Some(vec![WHOLE.into()]));
        assert_eq!(shown(&of(tree, Format::Binary).unwrap()), [(WHOLE, "all\nof it")]);
    }
}
