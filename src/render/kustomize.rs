//! Runs kustomize.

use std::path::Path;

use super::collect::Collection;
use super::{Error, Form, Options, form};
use crate::exec;
use crate::object::Origin;
use crate::redact::Redactor;

/// The programs that build a kustomization, the best first, each with its own arguments before the folder.
const PROGRAMS: [(&str, &[&str]); 2] = [("kustomize", &["build"]), ("kubectl", &["kustomize"])];

/// Builds the kustomization at `path`. Bases on servers are fetched by kustomize itself, which has no credential of ours:
/// they must be public.
pub(super) async fn build(
    root: &Path,
    path: &str,
    options: &Options,
    redactor: &Redactor,
    collection: &mut Collection,
) -> Result<(), Error> {
    let home = tempfile::tempdir().map_err(|source| Error::Unreadable {
        path: std::env::temp_dir(),
        source,
    })?;
    let named = form::KUSTOMIZATIONS
        .iter()
        .find(|name| root.join(path).join(name).is_file());
    let file = form::within(path, named.copied().unwrap_or_default());
    for (program, args) in PROGRAMS {
        let ran = options
            .program(program, root, home.path(), redactor)
            .args(args)
            .args([format!("./{path}")])
            .env("XDG_CONFIG_HOME", home.path())
            // A base on a server that wants a login fails instead of asking on the terminal.
            .env("GIT_TERMINAL_PROMPT", "0")
            .run()
            .await;
        match ran {
            Err(exec::Error::Start { .. }) => {}
            Err(source) => {
                return Err(Error::Program {
                    path: path.to_owned(),
                    form: Form::Kustomize,
                    source,
                });
            }
            Ok(output) => {
                collection.yaml(&String::from_utf8_lossy(&output), |_, _| Origin {
                    file: file.clone(),
                    line: 0,
                });
                return Ok(());
            }
        }
    }
    Err(Error::NoProgram(
        path.to_owned(),
        Form::Kustomize,
        "neither kustomize nor kubectl is",
    ))
}
