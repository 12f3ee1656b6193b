//! Files that are made from the program itself: completions, man pages, the runbook's schema.

use std::path::Path;

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::args::Arguments;
use super::error::Error;
use crate::event::Failure;

/// Returns the completions for a shell.
pub(super) fn completions(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "gitops-dr", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Writes a man page for each subcommand.
pub(super) fn man(folder: &Path) -> Result<(), Error> {
    let written = std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(Arguments::command(), folder));
    written.map_err(|error| Error::failed(Failure::new(format!("{}: {error}", folder.display()))))
}

/// Returns the JSON schema of runbooks.
pub(super) fn schema() -> String {
    format!("{:#}\n", crate::runbook::schema())
}
