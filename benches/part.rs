//! The parts that this program plays as a child of itself.

use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Trouble, apply_5000, far, measured, raw_patches, watch_1000_apps};

/// The first argument of a child.
pub(crate) const WORD: &str = "part";

/// Plays the part that the arguments name.
pub(crate) fn play(arguments: &[String]) -> Result<ExitCode, Trouble> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let ["measured", file, program, rest @ ..] = words.as_slice() {
        return measured::play(Path::new(file), program, rest);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match words.as_slice() {
            ["apply", kubeconfig, context, file, answer] => {
                apply_5000::play(kubeconfig, context, Path::new(file), Path::new(answer)).await
            }
            ["raw-patches", kubeconfig, file, answer] => {
                raw_patches::play(Path::new(kubeconfig), Path::new(file), Path::new(answer)).await
            }
            ["watch", kubeconfig, context, listed, answer] => {
                watch_1000_apps::play(kubeconfig, context, Path::new(listed), Path::new(answer)).await
            }
            ["far", port, answer] => far::play(port.parse()?, Path::new(answer)).await,
            _ => Err(format!("there is no part `{}`", words.join(" ")).into()),
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Leaves an answer for the parent.
pub(crate) fn answer(file: &Path, answer: &impl Serialize) -> Result<(), Trouble> {
    Ok(std::fs::write(file, serde_json::to_vec(answer)?)?)
}

/// Reads what a part has answered.
pub(crate) fn answered<T: DeserializeOwned>(file: &Path) -> Result<T, Trouble> {
    let bytes = std::fs::read(file).map_err(|error| format!("a part of the bench gave no answer: {error}"))?;
    Ok(serde_json::from_slice(&bytes)?)
}
