//! Where the user's files lie.

use std::path::PathBuf;

use super::error::Error;
use super::ui::Ui;
use crate::event::Failure;

/// Returns the folder of the journals.
pub(super) fn journals(ui: &Ui) -> Result<PathBuf, Error> {
    Ok(folder(ui.looks.state.as_ref(), "XDG_STATE_HOME", ".local/state")?.join("runs"))
}

/// Returns a folder of the user: the one given, or one by the rules of the XDG base directories.
pub(super) fn folder(given: Option<&PathBuf>, variable: &str, below_home: &str) -> Result<PathBuf, Error> {
    if let Some(given) = given {
        return Ok(given.clone());
    }
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute(variable)
        .or_else(|| absolute("HOME").map(|home| home.join(below_home)))
        .map(|base| base.join("gitops-dr"))
        .ok_or_else(|| {
            Error::refused(
                Failure::new(format!(
                    "neither {variable} nor HOME is set, so there is no place for files"
                ))
                .hint("name one with --state and --cache"),
            )
        })
}
