//! From arguments to the exit code.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;

use super::args::{Arguments, Command, Output};
use super::ui::Ui;
use super::{error::Error, exit, generate, plan, report, restore, secrets};
use crate::event::Failure;
use crate::redact::Redactor;

/// How long what still goes on may take to end.
const GRACE: Duration = Duration::from_secs(1);

/// Runs the program and returns its exit code.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    // Fails only if it was done before, which is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let ui = Ui {
        looks: arguments.looks,
        redactor: Redactor::default(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => {
            let result = runtime.block_on(dispatch(&ui, arguments.command));
            // Programs that still run are ended, and what is being written to temporary folders is taken away; but a library call
            // that hangs (a name that is looked up) must not keep the process.
            runtime.shutdown_timeout(GRACE);
            result
        }
        Err(error) => Err(Error::failed(Failure::new(format!(
            "the program cannot start: {error}"
        )))),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            if let Some(failure) = &error.failure {
                // Machines read standard output, and must find there why there is nothing else.
                if ui.is_json() {
                    ui.out(&format!("{}\n", serde_json::json!({"failure": failure})));
                }
                ui.err(&crate::report::failure(failure, Ui::style()));
            }
            ExitCode::from(error.code)
        }
    }
}

async fn dispatch(ui: &Ui, command: Command) -> Result<u8, Error> {
    if matches!(ui.looks.output, Output::Dot | Output::Svg) && !matches!(command, Command::Plan(_)) {
        return Err(Error::refused(
            Failure::new("only the graph of a plan can be drawn").hint("run `gitops-dr plan --output svg RUNBOOK`"),
        ));
    }
    match command {
        Command::Restore(arguments) => restore::restore(ui, *arguments).await,
        Command::Plan(arguments) => plan::plan(ui, &arguments).await,
        Command::Secrets(command) => secrets::secrets(ui, command).await,
        Command::Report(arguments) => report::report(ui, &arguments),
        Command::Completions { shell } => {
            ui.out(&generate::completions(shell));
            Ok(exit::DONE)
        }
        Command::Man { folder } => generate::man(&folder).map(|()| exit::DONE),
        Command::Schema => {
            ui.out(&generate::schema());
            Ok(exit::DONE)
        }
    }
}
