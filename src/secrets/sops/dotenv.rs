//! Reads files of variables (`stores/dotenv/store.go` of SOPS).

use std::collections::HashSet;

use super::document::{Leaf, Unread, Value};

/// How the keys begin that SOPS has added.
const OWN: &str = "sops_";

/// Reads a text: its values, and what SOPS has added.
pub(super) fn read(text: &str) -> Result<(Value, Vec<(String, String)>), Unread> {
    let mut entries: Vec<(String, Value)> = Vec::new();
    let mut known = HashSet::new();
    let mut added = Vec::new();
    for (index, line) in text.split('\n').enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            return Err(Unread::Broken(format!("line {} has no `=`", index + 1)));
        };
        let value = zeroize::Zeroizing::new(value.replace("\\n", "\n"));
        match key.strip_prefix(OWN) {
            Some(own) => added.push((own.to_owned(), value.to_string())),
            None if !known.insert(key) => {
                return Err(Unread::Broken("it holds a key twice".into()));
            }
            None => entries.push((key.to_owned(), Value::Leaf(Leaf::text(value.as_bytes())))),
        }
    }
    Ok((Value::Map(entries), added))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_left_out_and_line_breaks_are_put_in() {
        let (tree, added) = read("# one\nA=b=c\n\nB=x\\ny\nsops_mac=ENC\nsops_age__list_0__map_enc=a\\nb\n").unwrap();
        let leaf = |text: &str| Value::Leaf(Leaf::text(text));
        assert_eq!(
            tree,
            Value::Map(vec![("A".into(), leaf("b=c")), ("B".into(), leaf("x\ny"))])
        );
        assert_eq!(
            added,
            [
                ("mac".to_owned(), "ENC".to_owned()),
                ("age__list_0__map_enc".to_owned(), "a\nb".to_owned())
            ]
        );
        assert_eq!(read("A=b\nhunter2"), Err(Unread::Broken("line 2 has no `=`".into())));
    }
}
