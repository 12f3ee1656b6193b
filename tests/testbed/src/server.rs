//! The process of a server that is stopped and started again.

use crate::{Process, Result};

/// The process, while there is one.
#[derive(Debug, Default)]
pub(crate) struct Server(Option<Process>);

impl Server {
    /// Takes a process that was just started.
    pub(crate) fn runs(&mut self, process: Process) {
        self.0 = Some(process);
    }

    /// Ends it, if it runs.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        match self.0.take() {
            Some(process) => process.stop().await,
            None => Ok(()),
        }
    }

    /// Makes it hang, if it runs.
    pub(crate) fn freeze(&self) {
        if let Some(process) = &self.0 {
            process.freeze();
        }
    }

    /// An error with the end of its log if it has ended by itself.
    pub(crate) fn still_running(&mut self) -> Result<()> {
        match &mut self.0 {
            Some(process) => process.still_running(),
            None => Ok(()),
        }
    }
}
