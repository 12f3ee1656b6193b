//! Reads JSON into a tree, in the order of the file.
//!
//! A number is an `int64` of Go where it is whole and fits, and else a `float64`, as for SOPS (`stores/json/store.go`).

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::document::{Leaf, Unread, Value};

/// Reads a text.
pub(super) fn read(text: &str) -> Result<Value, Unread> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = Tree.deserialize(&mut reader);
    // What the parser says may quote a value.
    let broken = |error: &serde_json::Error| Unread::Broken(format!("it is no JSON from line {} on", error.line()));
    let value = read.map_err(|error| broken(&error))?;
    reader.end().map_err(|error| broken(&error))?;
    Ok(value)
}

struct Tree;

impl<'de> DeserializeSeed<'de> for Tree {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Leaf(Leaf::flag(flag)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Leaf(Leaf::number(number)))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "what is too large for SOPS loses digits there as well"
    )]
    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Leaf(match i64::try_from(number) {
            Ok(number) => Leaf::number(number),
            Err(_) => Leaf::number(number as f64),
        }))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Leaf(Leaf::number(number)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Leaf(Leaf::text(text)))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Leaf(Leaf::text(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Tree)? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map: Vec<(String, Value)> = Vec::new();
        let mut known = HashSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            if !known.insert(key.clone()) {
                return Err(A::Error::custom("a key twice"));
            }
            map.push((key, entries.next_value_seed(Tree)?));
        }
        Ok(Value::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_file_is_kept_and_numbers_are_written_without_an_exponent() {
        let value = read(r#"{"b": [1, 1.50, 1e21, 18446744073709551615, true, null], "a": "x"}"#).unwrap();
        let list = vec![
            Value::Leaf(Leaf::number(1)),
            Value::Leaf(Leaf::number("1.5")),
            Value::Leaf(Leaf::number("1000000000000000000000")),
            Value::Leaf(Leaf::number("18446744073709552000")),
            Value::Leaf(Leaf::flag(true)),
            Value::Null,
        ];
        assert_eq!(
            value,
            Value::Map(vec![
                ("b".into(), Value::List(list)),
                ("a".into(), Value::Leaf(Leaf::text("x")))
            ])
        );
    }

    #[test]
    fn what_is_broken_is_told_without_quoting_it() {
        for text in [
            r#"{"a": hunter2}"#,
            r#"{"a": "hunter2""#,
            "{} hunter2",
            r#"{"a": "hunter2", "a": 1}"#,
        ] {
            let unread = format!("{:?}", read(text).unwrap_err());
            assert!(unread.contains("no JSON") && !unread.contains("hunter2"), "{unread}");
        }
    }
}
