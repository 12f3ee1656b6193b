//! Pages that are made from the program are the ones that are committed. `UPDATE_EXPECT=1` writes them.

use std::fmt::Write as _;
use std::path::Path;

use gitops_dr::runbook::schema;
use serde_json::Value;

/// What stands above the generated part of the reference.
const HEAD: &str = "\
# The runbook, key by key

This page is generated from the table that the parser checks against; a test holds the two equal. The same table is
published as a JSON schema in [runbook.schema.json](../../runbooks/runbook.schema.json), which most editors use for
completion. [complete.yaml](../../runbooks/complete.yaml) has every key at least once.

`*` stands for a name that you choose, `[]` for each item of a list. Keys in **bold** must be there. An unknown key is an
error, with the key that was probably meant. Values are taken as written: the only values that are read from elsewhere
are `{env: NAME}`, a variable of the environment, and `{file: PATH}`, a file of this machine, and only where this page names them.

A runbook may say more than this version carries out; the [README](../../README.md#not-there-yet) lists what is not there
yet.
";

#[test]
fn the_reference_of_the_runbook_is_the_generated_one() {
    is_committed("docs/guide/runbook.md", &reference(&schema()));
}

#[test]
fn the_committed_schema_is_the_generated_one() {
    let text = serde_json::to_string_pretty(&schema()).unwrap();
    is_committed("runbooks/runbook.schema.json", &format!("{text}\n"));
}

fn is_committed(file: &str, generated: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, generated).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == generated,
        "run the tests once with UPDATE_EXPECT=1 to write {}",
        path.display()
    );
}

#[test]
fn the_reference_names_every_key_and_word_of_the_schema() {
    let (schema, page) = (schema(), reference(&schema()));
    let mut said = Vec::new();
    descriptions(&schema, &mut said);
    assert!(said.len() > 90, "{}", said.len());
    for text in said {
        assert!(page.contains(&escaped(text)), "the reference does not say: {text}");
    }
}

fn descriptions<'schema>(schema: &'schema Value, out: &mut Vec<&'schema str>) {
    match schema {
        Value::Object(fields) => {
            // What `{env: NAME}` and `{file: PATH}` are, is said once above.
            if fields.get("description").is_some_and(|_| named(schema).is_none()) {
                out.extend(fields["description"].as_str());
            }
            // A value that can be one word only needs no explanation of it.
            let told = |value: &&Value| value.as_array().is_none_or(|choices| choices.len() > 1);
            fields.values().filter(told).for_each(|value| descriptions(value, out));
        }
        Value::Array(items) => items.iter().for_each(|item| descriptions(item, out)),
        _ => {}
    }
}

/// Returns the page.
fn reference(schema: &Value) -> String {
    let mut page = HEAD.to_owned();
    section(&mut page, "", "The file", schema);
    page
}

/// Writes the keys of a mapping, then a section for each key that holds a mapping itself.
fn section(page: &mut String, path: &str, title: &str, schema: &Value) {
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let kinds = kinds(schema);
    let _ = write!(page, "\n## {title}\n\n| key | value | |\n| --- | --- | --- |\n");
    let mut nested = Vec::new();
    for (key, value) in schema["properties"].as_object().into_iter().flatten() {
        let name = if required.contains(&key.as_str()) {
            format!("**`{key}`**")
        } else {
            format!("`{key}`")
        };
        let doc = escaped(value["description"].as_str().unwrap_or_default());
        let _ = writeln!(page, "| {name} | {} | {doc} |", what(value));
        let below = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        mappings(value, &below, &mut nested);
    }
    if schema["additionalProperties"].is_object() {
        let _ = writeln!(
            page,
            "| *a store's name* | {} | The path in that store. |",
            what(&schema["additionalProperties"])
        );
    }
    if !kinds.is_empty() {
        let named: Vec<_> = kinds.iter().map(|kind| format!("`{kind}`")).collect();
        let _ = writeln!(page, "\nExactly one of {} says what kind it is.", named.join(", "));
    }
    for (key, value) in schema["properties"].as_object().into_iter().flatten() {
        words(page, key, value);
    }
    for (path, schema) in nested {
        section(page, &path, &format!("`{path}`"), schema);
    }
}

/// Returns the keys of which exactly one names the kind of a mapping.
fn kinds(schema: &Value) -> Vec<&str> {
    let one_of = schema["oneOf"].as_array().into_iter().flatten();
    one_of
        .filter_map(|choice| choice["required"].as_array()?.first()?.as_str())
        .collect()
}

/// Collects the mappings of ours that a value may be, with their paths.
fn mappings<'schema>(schema: &'schema Value, path: &str, out: &mut Vec<(String, &'schema Value)>) {
    if named(schema).is_some() || out.iter().any(|(known, _)| known == path) {
        return;
    }
    if schema["properties"].is_object() {
        out.push((path.to_owned(), schema));
    } else if schema["additionalProperties"].is_object() {
        mappings(&schema["additionalProperties"], &format!("{path}.*"), out);
    }
    if schema["items"].is_object() {
        mappings(&schema["items"], &format!("{path}[]"), out);
    }
    if !schema["properties"].is_object() {
        // One of these, or a list of such: the same mapping twice, told once.
        for choice in schema["oneOf"].as_array().into_iter().flatten() {
            if choice["type"] != "array" {
                mappings(choice, path, out);
            }
        }
    }
}

/// Says what a value may be.
fn what(schema: &Value) -> String {
    if let Some(written) = named(schema) {
        return written.into();
    }
    if let Some(choices) = schema["oneOf"].as_array().filter(|_| !schema["properties"].is_object()) {
        let (words, others): (Vec<&Value>, Vec<&Value>) =
            choices.iter().partition(|choice| choice["const"].is_string());
        let mut all: Vec<String> = others.into_iter().map(what).collect();
        // More than a few words are listed below the table.
        if words.len() > 3 {
            all.insert(0, "a word".into());
        } else {
            all.splice(0..0, words.into_iter().map(what));
        }
        return all.join(" or ");
    }
    if let Some(word) = schema["const"].as_str() {
        return format!("`{word}`");
    }
    match schema["type"].as_str() {
        Some("array") => format!("list of {}", many(&schema["items"])),
        Some("boolean") => "`true` or `false`".into(),
        Some("integer") => match (&schema["minimum"], schema.get("maximum")) {
            (least, Some(most)) => format!("{least} to {most}"),
            (least, None) => format!("whole number from {least}"),
        },
        Some("object") if schema["properties"].is_object() => "mapping".into(),
        Some("object") => format!("{} by name", many(&schema["additionalProperties"])),
        Some("string") => "text".into(),
        _ => "text, number or flag".into(),
    }
}

/// Says what several values may be.
fn many(schema: &Value) -> String {
    let one = what(schema);
    if ["mapping", "a word"].contains(&one.as_str()) {
        format!("{}s", one.trim_start_matches("a "))
    } else {
        one
    }
}

/// Writes what the words mean that a value may be.
fn words(page: &mut String, key: &str, schema: &Value) {
    let inner = if schema["items"].is_object() {
        &schema["items"]
    } else {
        schema
    };
    let all: Vec<&Value> = inner["oneOf"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|word| word["const"].is_string())
        .collect();
    let choices = inner["oneOf"].as_array().map_or(0, Vec::len);
    if all.is_empty() || choices < 2 {
        return;
    }
    // One word alone would need no explanation; beside a mapping it does.
    let lead = if all.len() == 1 { "may be" } else { "is one of" };
    let _ = write!(page, "\n`{key}` {lead}\n\n");
    for word in all {
        let doc = escaped(word["description"].as_str().unwrap_or_default());
        let _ = writeln!(page, "* `{}`: {doc}", word["const"].as_str().unwrap_or_default());
    }
}

/// Returns how a value is written that is named and read elsewhere: `{env: NAME}` or `{file: PATH}`.
fn named(schema: &Value) -> Option<&'static str> {
    let properties = schema["properties"].as_object().filter(|all| all.len() == 1)?;
    let (name, of) = properties.iter().next()?;
    match name.as_str() {
        "env" => Some("`{env: NAME}`"),
        // What is a key of its own says what it means.
        "file" if of["description"].is_null() => Some("`{file: PATH}`"),
        _ => None,
    }
}

fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}
