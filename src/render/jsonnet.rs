//! Runs jsonnet.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::collect::Collection;
use super::form::Form;
use super::job::Job;
use super::renderer::Ground;
use super::turn::{Halt, Turn};
use super::values::inside;
use super::{Error, programs};
use crate::object::Origin;
use crate::recipe::{Jsonnet, JsonnetVariable};

/// Evaluates a file of the repository (`makeJsonnetVM` in `reposerver/repository`). What it imports must be in the repository.
pub(super) async fn evaluate(
    turn: &Turn<'_>,
    ground: &Ground,
    job: &Job,
    jsonnet: &Jsonnet,
    file: &str,
    collection: &mut Collection,
) -> Result<(), Error> {
    let renderer = turn.renderer;
    let Some(program) = renderer.settings.find("jsonnet") else {
        return Err(Error::Unknown(format!(
            "{file} is jsonnet, and `jsonnet` is not on PATH"
        )));
    };
    let mut folders = vec![ground.place.clone()];
    for lib in &jsonnet.libs {
        // From the repository's top, with or without a slash in front.
        folders.push(inside(&ground.root, &ground.root, lib)?);
    }
    let (root, from, among) = (ground.root.clone(), ground.root.join(file), folders.clone());
    turn.aside(move |halt| imports_stay(&root, &from, &among, halt)).await?;
    let home = programs::home()?;
    let mut run = renderer.program(&program, &ground.root, home.path());
    // The program looks in the last of its folders first, and Argo CD's importer too.
    for folder in &folders {
        run = run.args([Path::new("-J"), folder]);
    }
    let told = [("tla", &jsonnet.tlas), ("ext", &jsonnet.ext_vars)];
    for (kind, JsonnetVariable { name, value, code }) in told
        .iter()
        .flat_map(|(kind, all)| all.iter().map(move |variable| (kind, variable)))
    {
        let how = if *code { "code" } else { "str" };
        let value = job.environment.expand(value);
        run = run.args([format!("--{kind}-{how}"), format!("{name}={value}")]);
    }
    let output = run.args(["--", file]).run().await;
    let output = output.map_err(|error| programs::explain(file, Form::Plain, error))?;
    let origin = Origin {
        file: file.to_owned(),
        line: 1,
    };
    match serde_json::from_slice(&output) {
        Ok(serde_json::Value::Array(values)) => values.into_iter().for_each(|value| collection.value(value, &origin)),
        Ok(value) => collection.value(value, &origin),
        Err(error) => {
            return Err(Error::Refused(format!("what {file} evaluates to is not JSON: {error}")));
        }
    }
    Ok(())
}

/// Refuses imports out of the repository, which would read this machine's files. What is imported is always written out:
/// jsonnet's grammar wants a text there, not an expression.
fn imports_stay(root: &Path, file: &Path, folders: &[PathBuf], halt: &Halt) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    let mut open = vec![file.to_owned()];
    while let Some(file) = open.pop() {
        halt.check()?;
        if !seen.insert(file.clone()) {
            continue;
        }
        // What cannot be read is for the program to name.
        let Ok(text) = std::fs::read_to_string(&file) else {
            continue;
        };
        let Some(folder) = file.parent() else { continue };
        for import in imports(&text) {
            let leads_out = || Error::LeadsOut(import.to_owned());
            if Path::new(import).is_absolute() {
                return Err(leads_out());
            }
            for folder in std::iter::once(folder).chain(folders.iter().map(PathBuf::as_path)) {
                match folder.join(import).canonicalize() {
                    Ok(found) if !found.starts_with(root) => return Err(leads_out()),
                    Ok(found) => open.push(found),
                    Err(_) => {}
                }
            }
        }
    }
    Ok(())
}

/// Returns what follows the word `import`, `importstr` or `importbin`; too much rather than too little, since it may be in a
/// comment.
fn imports(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("import").filter_map(|(at, word)| {
        let rest = &text[at + word.len()..];
        let rest = rest
            .strip_prefix("str")
            .or_else(|| rest.strip_prefix("bin"))
            .unwrap_or(rest);
        let rest = rest.trim_start();
        let rest = rest.strip_prefix('@').unwrap_or(rest);
        let quote = rest.chars().next().filter(|quote| ['"', '\''].contains(quote))?;
        rest[1..].split(quote).next()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_found_however_they_are_written() {
        let text = "local a = import 'a.libsonnet'; local b = importstr\n  \"b.txt\"; import @'c'; importbin 'd'; // import 'e'";
        assert_eq!(
            imports(text).collect::<Vec<_>>(),
            ["a.libsonnet", "b.txt", "c", "d", "e"]
        );
    }

    #[test]
    fn an_import_out_of_the_repository_is_refused_also_by_what_is_imported() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap().join("top");
        std::fs::create_dir_all(root.join("lib")).unwrap();
        std::fs::write(folder.path().join("secret"), "x").unwrap();
        for (text, lib, is_refused) in [
            ("import 'a.libsonnet'", "{}", false),
            ("import 'a.libsonnet'", "importstr '../../secret'", true),
            ("importstr '/etc/passwd'", "{}", true),
            ("importstr '../secret'", "{}", true),
        ] {
            std::fs::write(root.join("main.jsonnet"), text).unwrap();
            std::fs::write(root.join("lib/a.libsonnet"), lib).unwrap();
            let folders = [root.clone(), root.join("lib")];
            let refused = imports_stay(&root, &root.join("main.jsonnet"), &folders, &Halt::default()).is_err();
            assert_eq!(refused, is_refused, "{text} {lib}");
        }
    }
}
