//! The table of what is measured, and running it.

use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::Instant;

use crate::machine::Machine;
use crate::results::{Results, Row};
use crate::{
    Trouble, apply_5000, graph_10000, plan_1000, restore_100_apps, restore_deep_chain, restore_late_crd, say,
    secrets_500, start, watch_1000_apps,
};

/// Measurements that are made together.
struct Entry {
    /// The names of its rows.
    rows: &'static [&'static str],
    /// Makes those of them that are wanted.
    measure: fn(Wanted) -> Measuring,
}

/// The work of one entry.
type Measuring = Pin<Box<dyn Future<Output = Result<Vec<Row>, Trouble>>>>;

/// What is measured, in the order in which it is.
const ENTRIES: [Entry; 9] = [
    Entry {
        rows: &["start"],
        measure: |_| Box::pin(async { start::measure() }),
    },
    Entry {
        rows: &["plan-1000"],
        measure: |wanted| Box::pin(plan_1000::measure(wanted)),
    },
    Entry {
        rows: &["graph-10000"],
        measure: |wanted| Box::pin(async move { graph_10000::measure(&wanted) }),
    },
    Entry {
        rows: &["secrets-500-vault", "secrets-500-aws"],
        measure: |wanted| Box::pin(secrets_500::measure(wanted)),
    },
    Entry {
        rows: &["apply-5000", "apply-5000-raw", "apply-5000-far"],
        measure: |wanted| Box::pin(apply_5000::measure(wanted)),
    },
    Entry {
        rows: &["watch-1000-apps"],
        measure: |wanted| Box::pin(watch_1000_apps::measure(wanted)),
    },
    Entry {
        rows: &[
            "restore-100-apps",
            "restore-100-apps-refresh",
            "finish-latency",
            "finish-latency-verdict",
            "cpu",
        ],
        measure: |wanted| Box::pin(restore_100_apps::measure(wanted)),
    },
    Entry {
        rows: &["restore-late-crd"],
        measure: |wanted| Box::pin(restore_late_crd::measure(wanted)),
    },
    Entry {
        rows: &["restore-deep-chain", "restore-deep-chain-graph"],
        measure: |wanted| Box::pin(restore_deep_chain::measure(wanted)),
    },
];

/// Which rows are wanted, and how often each side of them is run.
#[derive(Clone)]
pub(crate) struct Wanted {
    names: Vec<String>,
    rounds: Option<usize>,
    /// Whether README gets the table: of all entries, or it would lose the others.
    readme: bool,
}

impl Wanted {
    /// Takes the words after the program's name. Those of cargo itself begin with a dash.
    fn read(arguments: &[String]) -> Result<Self, Trouble> {
        let names: Vec<String> = arguments
            .iter()
            .filter(|word| !word.starts_with('-'))
            .cloned()
            .collect();
        let known: Vec<&str> = ENTRIES.iter().flat_map(|entry| entry.rows).copied().collect();
        if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
            return Err(format!("there is no `{unknown}` to measure; there are {}", known.join(", ")).into());
        }
        let rounds = match std::env::var("ROUNDS") {
            Ok(text) if !text.is_empty() => Some(text.parse().map_err(|_| format!("ROUNDS={text} is no number"))?),
            _ => None,
        };
        let readme = std::env::var("UPDATE_README").is_ok_and(|word| !word.is_empty());
        if readme && !names.is_empty() {
            return Err("README gets the table of a run of all entries, not of some".into());
        }
        Ok(Self { names, rounds, readme })
    }

    /// Whether a row is wanted.
    pub(crate) fn has(&self, row: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|name| name == row)
    }

    /// How often each side is run: as `ROUNDS` says, or else as often as an entry needs for its variance.
    pub(crate) fn rounds(&self, usual: usize) -> usize {
        self.rounds.unwrap_or(usual).max(1)
    }
}

/// Makes the measurements that the arguments name, and writes what came of them.
pub(crate) fn run_all(arguments: &[String]) -> Result<ExitCode, Trouble> {
    let wanted = Wanted::read(arguments)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let machine = Machine::look()?;
    say(&machine.to_string());
    let mut results = Results::new(machine)?;
    let mut failed = 0;
    for entry in &ENTRIES {
        let names: Vec<&str> = entry.rows.iter().copied().filter(|row| wanted.has(row)).collect();
        if names.is_empty() {
            continue;
        }
        say(&format!("\n{}", names.join(", ")));
        let began = Instant::now();
        match runtime.block_on((entry.measure)(wanted.clone())) {
            Ok(rows) => results.take(rows.into_iter().filter(|row| wanted.has(row.name)))?,
            Err(trouble) => {
                failed += 1;
                say(&format!("  not measured: {trouble}"));
            }
        }
        say(&format!("  all of it took {:.0} s", began.elapsed().as_secs_f64()));
    }
    say(&format!("\n{}", results.finish()?));
    if wanted.readme && failed == 0 {
        results.tell_readme()?;
    }
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
