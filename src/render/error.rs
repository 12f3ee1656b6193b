//! Why nothing could be rendered.

use std::path::PathBuf;

use super::Form;
use crate::event::Failure;
use crate::exec;

/// Why nothing could be rendered. What is wrong in single documents is a finding instead.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The path leads out of the repository, by `..`, by being absolute, or through a symbolic link.
    #[error("`{0}` leads out of the repository")]
    LeadsOut(String),
    /// Nothing is there.
    #[error("there is no `{path}` in the repository{}", .near.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    NotThere {
        /// The path.
        path: String,
        /// A name beside it that looks like it.
        near: Option<String>,
    },
    /// A program that is needed is not installed.
    #[error("{0} is a {1}, and {2} on PATH")]
    NoProgram(String, Form, &'static str),
    /// A program was run and did not do it.
    #[error("{path} cannot be rendered as a {form}")]
    Program {
        /// The path.
        path: String,
        /// What it was taken for.
        form: Form,
        /// What the program said.
        source: exec::Error,
    },
    /// Helm could not fetch a chart.
    #[error("the chart {chart} cannot be had from {repository}")]
    NotFetched {
        /// The chart.
        chart: String,
        /// The address of its repository.
        repository: String,
        /// What Helm said.
        source: exec::Error,
    },
    /// A chart names other charts that are not in its folder.
    #[error("{path} needs charts that are not in its folder: {missing}")]
    NoDependency {
        /// The path.
        path: String,
        /// Their names.
        missing: String,
    },
    /// Only the agent can tell, for this reason.
    #[error("{0}")]
    Unknown(String),
    /// The agent itself would refuse it, for this reason.
    #[error("{0}")]
    Refused(String),
    /// A file or folder cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

impl Error {
    /// Returns how to mend it.
    pub fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::NoProgram(_, Form::Helm, _) => "install Helm 4 (or 3) and put `helm` on PATH",
            Self::NoProgram(..) => "install kustomize 5 and put `kustomize` on PATH; `kubectl` will do too",
            Self::NoDependency { .. } => {
                "run `helm dependency build` in its folder and commit `charts/`: nothing is downloaded during a recovery"
            }
            Self::Program { source, .. } if source.to_string().contains("--enable-helm") => {
                "a kustomization that inflates Helm charts is not supported; name the chart by its own path"
            }
            _ => return Vec::new(),
        };
        vec![hint.to_owned()]
    }

    /// Returns the error as it is written down, with how to mend it.
    pub fn failure(&self) -> Failure {
        self.hints().into_iter().fold(Failure::of(self), Failure::hint)
    }
}
