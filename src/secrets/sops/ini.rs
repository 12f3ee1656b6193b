//! Reads INI files as SOPS writes them (`stores/ini/store.go` there, by `gopkg.in/ini.v1`).

use super::document::{Leaf, Unread, Value};

/// The section of what stands before any other.
pub(super) const DEFAULT: &str = "DEFAULT";
/// The section that SOPS adds.
const OWN: &str = "sops";

/// Reads a text: its values by section, and what SOPS has added.
pub(super) fn read(text: &str) -> Result<(Value, Vec<(String, String)>), Unread> {
    let mut sections: Vec<(String, Vec<(String, Value)>)> = vec![(DEFAULT.to_owned(), Vec::new())];
    let mut added = Vec::new();
    let mut is_own = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with([';', '#']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[') {
            let Some(name) = name.strip_suffix(']') else {
                return Err(Unread::Broken(format!("line {} is no name of a section", index + 1)));
            };
            is_own = name == OWN;
            if !is_own {
                let known = sections.iter().any(|(known, _)| known == name);
                if known && name != DEFAULT {
                    return Err(Unread::Broken("it holds a section twice".into()));
                } else if !known {
                    sections.push((name.to_owned(), Vec::new()));
                }
            }
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            return Err(Unread::Broken(format!("line {} has no `=`", index + 1)));
        };
        let (key, value) = (key.trim(), value.trim());
        if is_own {
            added.push((key.to_owned(), value.replace("\\n", "\n")));
            continue;
        }
        let is_quoted = |text: &str| text.starts_with(['"', '\'', '`']);
        if is_quoted(key)
            || is_quoted(value)
            || key.contains(':')
            || value.ends_with('\\')
            || value.contains([';', '#'])
        {
            return Err(Unread::Unsure(
                "it holds quotation marks or other signs of its format".into(),
            ));
        }
        if let Some((_, entries)) = sections.last_mut() {
            if entries.iter().any(|(known, _)| known == key) {
                return Err(Unread::Broken("it holds a key twice".into()));
            }
            entries.push((key.to_owned(), Value::Leaf(Leaf::text(value))));
        }
    }
    let map = sections
        .into_iter()
        .map(|(name, entries)| (name, Value::Map(entries)))
        .collect();
    Ok((Value::Map(map), added))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_by_section_and_what_sops_added_is_taken_out() {
        let text = "a = 1\n; note\n[db]\nuser     = me\npassword = ENC[x=]\n\n[sops]\nmac = ENC\nage__list_0__map_enc = a\\nb\n";
        let (tree, added) = read(text).unwrap();
        let leaf = |text: &str| Value::Leaf(Leaf::text(text));
        let section = |entries: &[(&str, &str)]| {
            let entries = entries.iter().map(|(key, value)| ((*key).to_owned(), leaf(value)));
            Value::Map(entries.collect())
        };
        assert_eq!(
            tree,
            Value::Map(vec![
                (DEFAULT.into(), section(&[("a", "1")])),
                ("db".into(), section(&[("user", "me"), ("password", "ENC[x=]")]))
            ])
        );
        assert_eq!(added.len(), 2);
        assert_eq!(added[1].1, "a\nb");
    }

    #[test]
    fn what_may_be_read_otherwise_is_left_to_the_program() {
        for text in ["a = `x`", "a = \"x\"", "a = x ; y", "a = x \\", "a: b = c"] {
            assert!(matches!(read(text), Err(Unread::Unsure(_))), "{text}");
        }
    }
}
