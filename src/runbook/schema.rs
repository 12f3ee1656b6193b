//! The JSON schema of a runbook, made from the table that the parser checks against.

use serde_json::{Map, Value, json};

use super::shape::{Field, Format, Kinds, Record, Shape, Word};
use super::table::RUNBOOK;

/// Returns the JSON schema (draft 2020-12) of a runbook.
///
/// It holds all that a schema can say: keys, types, words and the looks of names. References, order and addresses are
/// checked by [`parse`](super::parse) alone.
pub fn schema() -> Value {
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A runbook of gitops-dr",
    });
    merge(&mut schema, record(&RUNBOOK));
    schema
}

fn shape(shape: &Shape) -> Value {
    match shape {
        Shape::Text(format) => text(*format),
        // A value of `set` may be empty text, but not nothing.
        Shape::Scalar => json!({"type": ["string", "number", "boolean"]}),
        Shape::Flag => json!({"type": "boolean"}),
        Shape::Whole(least, u64::MAX) => json!({"type": "integer", "minimum": least}),
        Shape::Whole(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
        Shape::Word(words) => json!({"oneOf": constants(words)}),
        Shape::Env { literal: true } => json!({"oneOf": [text(Format::Any), variable()]}),
        Shape::Env { literal: false } => variable(),
        Shape::EnvOrFile => json!({"oneOf": [variable(), {
            "type": "object",
            "description": "The content of this file of this machine.",
            "properties": {"file": text(Format::Any)},
            "required": ["file"],
            "additionalProperties": false,
        }]}),
        Shape::List(of) => json!({"type": "array", "items": self::shape(of)}),
        Shape::NonEmpty(of) => json!({"type": "array", "items": self::shape(of), "minItems": 1}),
        Shape::OneOrMany(of) => json!({"oneOf": [self::shape(of), self::shape(&Shape::NonEmpty(of))]}),
        Shape::Table { key, of } => json!({
            "type": "object",
            "propertyNames": text(*key),
            "additionalProperties": self::shape(of),
        }),
        Shape::Record(of) => record(of),
        Shape::TextOrRecord(format, of) => json!({"oneOf": [text(*format), record(of)]}),
        Shape::WordOrRecord(words, of) => {
            let mut choice = constants(words);
            choice.push(record(of));
            json!({"oneOf": choice})
        }
    }
}

fn variable() -> Value {
    json!({
        "type": "object",
        "description": "The value of this variable of the environment.",
        "properties": {"env": text(Format::Variable)},
        "required": ["env"],
        "additionalProperties": false,
    })
}

fn record(record: &Record) -> Value {
    let mut properties = Map::new();
    let mut add = |fields: &[Field]| {
        for field in fields {
            let mut property = json!({"description": field.doc});
            merge(&mut property, shape(&field.shape));
            // What the key means says more than what its value is.
            property["description"] = json!(field.doc);
            properties.insert(field.name.to_owned(), property);
        }
    };
    add(record.fields);
    if let Kinds::Of(kinds) = record.kinds {
        add(kinds);
    }
    let required: Vec<_> = record
        .fields
        .iter()
        .filter(|field| field.required)
        .map(|field| field.name)
        .collect();
    let mut out = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        out["required"] = json!(required);
    }
    out["additionalProperties"] = json!(false);
    match record.kinds {
        Kinds::None => {}
        Kinds::Of(kinds) => {
            out["oneOf"] = kinds.iter().map(|kind| json!({"required": [kind.name]})).collect();
        }
        Kinds::Named { of, .. } => {
            out["additionalProperties"] = shape(of);
            merge(&mut out, one_name(record.fields));
        }
    }
    out
}

/// Says that beside the given keys there is exactly one other.
fn one_name(fields: &[Field]) -> Value {
    if fields.is_empty() {
        // A list of no conditions is not allowed.
        return json!({"minProperties": 1, "maxProperties": 1});
    }
    // One of these holds: so many of our keys are there, and one key more.
    let counts = (0..1_u32 << fields.len()).map(|present| {
        let is_there = |index: usize| present & (1 << index) != 0;
        let mut all = Vec::new();
        for (index, field) in fields.iter().enumerate() {
            let there = json!({"required": [field.name]});
            all.push(if is_there(index) { there } else { json!({"not": there}) });
        }
        let count = present.count_ones() + 1;
        json!({"allOf": all, "minProperties": count, "maxProperties": count})
    });
    json!({"oneOf": counts.collect::<Vec<_>>()})
}

fn constants(words: &[Word]) -> Vec<Value> {
    words
        .iter()
        .map(|word| json!({"const": word.word, "description": word.doc}))
        .collect()
}

/// Text of a format. The patterns say less than the parser where a pattern that says all could not be read.
fn text(format: Format) -> Value {
    let pattern = match format {
        Format::Any => Some(r"\S"),
        Format::Label => Some("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"),
        Format::Subdomain => Some(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"),
        Format::App => Some(r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?/)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"),
        Format::Kind => Some(r"^[A-Z][A-Za-z0-9]*(\.[a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$"),
        Format::Variable => Some("^[A-Za-z_][A-Za-z0-9_]*$"),
        Format::Digest => Some("^sha256:[0-9a-f]{64}$"),
        Format::Path => Some(r"^(?!/)(?!(.*/)?\.\.(/|$))[^\\]+$"),
        Format::Http => Some("^https?://"),
        Format::Git => Some("^((https?|ssh)://|[^/@:]+@[^/@:]+:)"),
        Format::Duration => Some("[0-9] *[A-Za-z]"),
        Format::Cluster => Some("^(https?://|[0-9a-fA-F]{8}-)"),
        Format::Name(_) => None,
    };
    let mut out = json!({"type": "string", "minLength": 1});
    if let Some(pattern) = pattern {
        out["pattern"] = json!(pattern);
    }
    out
}

/// Adds the keys of one object to another.
fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}
