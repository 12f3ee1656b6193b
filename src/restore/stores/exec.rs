//! A program that prints secrets.

use std::os::unix::ffi::OsStringExt as _;
use std::time::Duration;

use crate::event::Failure;
use crate::redact::{Redactor, Secret};
use crate::runbook::{Exec, Printed};
use crate::secrets::{Output, Program, ProgramSettings, Store};
use crate::steps::of_output;

/// How long it may run for one secret unless the runbook says otherwise.
const LIMIT: Duration = Duration::from_secs(30);

/// Makes the store. What is secret among the variables that the program gets is masked in what it says.
pub(super) fn make(name: &str, exec: &Exec, redactor: &Redactor) -> Result<Box<dyn Store>, Failure> {
    let env = exec.env.iter();
    let settings = ProgramSettings {
        name: name.to_owned(),
        command: exec.command.clone(),
        // One that is not set is not handed on: some are set only where a proxy is.
        env: env
            .filter_map(|name| Some((name.clone(), Secret::new(std::env::var_os(name)?.into_vec()))))
            .collect(),
        limit: exec.timeout.unwrap_or(LIMIT),
        output: match exec.output {
            Printed::Json => Output::Json,
            Printed::Text => Output::Text,
            Printed::Bytes => Output::Bytes,
        },
    };
    Ok(Box::new(Program::new(settings, &of_output(&exec.env, redactor))?))
}
