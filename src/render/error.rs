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
    /// Returns how to mend it, where that is known.
    pub fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::NoProgram(_, Form::Helm, _) => "install Helm 4 (or 3) and put `helm` on PATH",
            Self::NoProgram(..) => "install kustomize 5 and put `kustomize` on PATH; `kubectl` will do too",
            Self::NoDependency { .. } => {
                "run `helm dependency build` in its folder and commit `charts/`: nothing is downloaded during a recovery"
            }
            Self::NotFetched { source, .. } if source.to_string().contains("no chart version found") => {
                "its repository answered and has no such version: name one that it has (`helm search repo --versions`)"
            }
            Self::NotFetched { .. } => {
                "see to it that its repository answers, and that the runbook restores its login; what was fetched once is kept here"
            }
            Self::Program { source, .. } if source.to_string().contains("--enable-helm") => {
                "a kustomization that inflates Helm charts is not supported; name the chart by its own path"
            }
            _ => return Vec::new(),
        };
        vec![hint.to_owned()]
    }

    /// Returns the error on one line, with how to mend it: what a program said, without how it ended.
    pub fn line(&self) -> String {
        let words = match self {
            Self::Program { source, .. } | Self::NotFetched { source, .. } => match source {
                exec::Error::Failed { said, .. } => format!("{self}: {}", one_line(said)),
                other => format!("{self}: {other}"),
            },
            other => one_line(&other.failure().words()),
        };
        let hints = self.hints().into_iter();
        hints.fold(words, |words, hint| format!("{words}; {hint}"))
    }

    /// Returns the error as it is written down, with how to mend it.
    pub fn failure(&self) -> Failure {
        self.hints().into_iter().fold(Failure::of(self), Failure::hint)
    }
}

/// How lines of Helm begin that nobody needs.
const CHATTER: [&str; 4] = [
    "Use --debug flag",
    "Hang tight while",
    "...Unable to get an update from",
    "Error: failed to update the following repositories",
];

fn one_line(said: &str) -> String {
    let is_wanted = |line: &&str| !line.is_empty() && !CHATTER.iter().any(|chatter| line.starts_with(chatter));
    let lines = said.lines().map(str::trim).filter(is_wanted);
    let lines: Vec<&str> = lines.map(|line| line.strip_prefix("Error: ").unwrap_or(line)).collect();
    lines.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_said_is_told_on_one_line_without_what_nobody_needs() {
        let error = Error::Program {
            path: "shop".to_owned(),
            form: Form::Helm,
            source: exec::Error::Failed {
                program: "helm".to_owned(),
                status: "exit status: 1".to_owned(),
                said: "Error: shop/templates/a.yaml:4:3\n  not so\n\nUse --debug flag to render out invalid YAML"
                    .to_owned(),
            },
        };
        assert_eq!(
            error.line(),
            "shop cannot be rendered as a Helm chart: shop/templates/a.yaml:4:3 not so"
        );
        let error = Error::NoProgram("shop".to_owned(), Form::Helm, "helm is not");
        assert_eq!(
            error.line(),
            "shop is a Helm chart, and helm is not on PATH; install Helm 4 (or 3) and put `helm` on PATH"
        );
    }
}
