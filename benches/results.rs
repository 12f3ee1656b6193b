//! Where the results go: `results.json` for programs, `table.md` for people.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::Trouble;
use crate::goal::{Goal, Peer, median};
use crate::machine::Machine;
use crate::readme;

/// One measurement.
pub(crate) struct Row {
    /// Its name.
    pub(crate) name: &'static str,
    /// What of ours is measured.
    pub(crate) does: &'static str,
    /// The unit of all its figures.
    pub(crate) unit: &'static str,
    /// Each round's figure.
    pub(crate) ours: Vec<f64>,
    /// What it is held against, if there is somebody.
    pub(crate) peer: Option<Peer>,
    /// What is aimed at.
    pub(crate) goal: Goal,
}

/// The rows so far, and the folder that they are written to.
pub(crate) struct Results {
    machine: Machine,
    rows: Vec<Row>,
    folder: PathBuf,
}

impl Results {
    /// Begins anew: what an earlier run has left is not mixed with this one's.
    pub(crate) fn new(machine: Machine) -> Result<Self, Trouble> {
        let folder = folder()?;
        std::fs::create_dir_all(&folder)?;
        Ok(Self {
            machine,
            rows: Vec::new(),
            folder,
        })
    }

    /// Takes rows, and writes all so far: a run that is broken off later has not been for nothing.
    pub(crate) fn take(&mut self, rows: impl Iterator<Item = Row>) -> Result<(), Trouble> {
        self.rows.extend(rows);
        let json: Vec<Value> = self.rows.iter().map(|row| self.json(row)).collect();
        std::fs::write(self.folder.join("results.json"), serde_json::to_string_pretty(&json)?)?;
        std::fs::write(self.folder.join("table.md"), self.table())?;
        Ok(())
    }

    /// Puts the table into README, without what was measured how: the page of the bench has that.
    pub(crate) fn tell_readme(&self) -> Result<(), Trouble> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
        let table = format!("{}\nMeasured on {}.", self.rows(), self.machine);
        let page = readme::with_table(&std::fs::read_to_string(&file)?, &table);
        Ok(std::fs::write(
            file,
            page.ok_or("README.md has no place for the table")?,
        )?)
    }

    /// Says what came of it, and where it is.
    pub(crate) fn finish(&self) -> Result<String, Trouble> {
        if self.rows.is_empty() {
            return Err("nothing was measured".into());
        }
        Ok(format!(
            "{}\n{}",
            self.table(),
            self.folder.join("results.json").display()
        ))
    }

    fn json(&self, row: &Row) -> Value {
        let (ours, peer) = (median(&row.ours), row.peer.as_ref().map(|peer| median(&peer.rounds)));
        let (ratio, goal, met) = row.goal.judge(ours, peer);
        json!({
            "name": row.name,
            "ours": rounded(ours),
            "peer": peer.map(rounded),
            "peer_name": row.peer.as_ref().map(|peer| peer.name),
            "unit": row.unit,
            "ratio": rounded(ratio),
            "goal": goal,
            "met": met,
            "does": row.does,
            "peer_does": row.peer.as_ref().map(|peer| peer.does),
            "rounds": {"ours": row.ours, "peer": row.peer.as_ref().map(|peer| &peer.rounds)},
            "profile": self.machine.profile,
            "machine": self.machine.to_string(),
        })
    }

    fn rows(&self) -> String {
        let mut text = String::from(
            "| | ours | peer | unit | ratio | goal | met |\n| --- | ---: | ---: | --- | ---: | --- | --- |\n",
        );
        for row in &self.rows {
            let (ours, peer) = (median(&row.ours), row.peer.as_ref().map(|peer| median(&peer.rounds)));
            let (ratio, _, met) = row.goal.judge(ours, peer);
            let peer = peer.map_or_else(|| "–".into(), figure);
            let met = match met {
                Some(true) => "yes",
                Some(false) => "no",
                None => "–",
            };
            let (name, unit, ours, ratio, goal) = (row.name, row.unit, figure(ours), figure(ratio), row.goal.words());
            let _ = writeln!(
                text,
                "| `{name}` | {ours} | {peer} | {unit} | {ratio} | {goal} | {met} |"
            );
        }
        text
    }

    fn table(&self) -> String {
        let mut text = self.rows();
        let _ = writeln!(text, "\n{}\n", self.machine);
        for row in &self.rows {
            let _ = write!(text, "* `{}`: {}, {}", row.name, row.does, times(row.ours.len()));
            if let Some(peer) = &row.peer {
                let _ = write!(text, "; {}, {}: {}", peer.name, times(peer.rounds.len()), peer.does);
            }
            let _ = writeln!(text, ".");
        }
        text
    }
}

/// `bench` in cargo's target folder, beside the folder of the profile that this program was built in.
fn folder() -> Result<PathBuf, Trouble> {
    let program = std::env::current_exe()?;
    // …/target/PROFILE/deps/PROGRAM
    let target = program.ancestors().nth(3).unwrap_or(Path::new("target"));
    Ok(target.join("bench"))
}

fn times(count: usize) -> String {
    match count {
        1 => "once".into(),
        count => format!("median of {count}"),
    }
}

/// As many digits as mean something.
fn figure(value: f64) -> String {
    let digits = match value.abs() {
        large if large >= 100.0 => 0,
        middle if middle >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.digits$}")
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
