//! What it was measured on, and what with.

use std::fmt;
use std::process::Command;

use testbed::Programs;

use crate::Trouble;

/// The machine, the versions and the way we were built.
pub(crate) struct Machine {
    /// When it was measured: the day, by UTC.
    day: String,
    cores: usize,
    processor: String,
    kernel: String,
    memory_gib: u64,
    kubernetes: String,
    argocd: String,
    /// The profile that cargo built us with: `release` for `make bench`.
    pub(crate) profile: &'static str,
}

impl Machine {
    pub(crate) fn look() -> Result<Self, Trouble> {
        let programs = Programs::find()?;
        let words = |program: &str, arguments: &[&str]| -> Result<String, Trouble> {
            let output = Command::new(programs.built(program)?).args(arguments).output()?;
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            // The last word of the first line is the version, of both.
            let line = text.lines().next().unwrap_or_default();
            Ok(line.split_whitespace().last().unwrap_or("unknown").to_owned())
        };
        let field = |file: &str, name: &str| -> Option<String> {
            let text = std::fs::read_to_string(file).ok()?;
            let line = text.lines().find(|line| line.starts_with(name))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let memory = field("/proc/meminfo", "MemTotal").and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
        Ok(Self {
            day: jiff::Timestamp::now().strftime("%F").to_string(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            processor: field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".into()),
            kernel: std::fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            memory_gib: memory.unwrap_or_default().div_ceil(1024 * 1024),
            kubernetes: words("control-plane", &["kube-apiserver", "--version"])?,
            argocd: words("argocd", &["version", "--client", "--short"])?,
            profile: if cfg!(debug_assertions) { "dev" } else { "release" },
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} cores of {}, {} GiB, Linux {}; Kubernetes {}, Argo CD {}; profile {}",
            self.day,
            self.cores,
            self.processor,
            self.memory_gib,
            self.kernel,
            self.kubernetes,
            self.argocd,
            self.profile
        )
    }
}
