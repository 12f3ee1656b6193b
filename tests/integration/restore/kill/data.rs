//! The step that must not be done twice: a program that adds a line to a log, and may kill who started it.

use std::path::{Path, PathBuf};

use testbed::proxy::Side;

/// Where a file with one of these names lies beside it, it takes the file away and kills its parent, before its work or after it.
const SCRIPT: &str = r#"
cd "$(dirname "$0")"
if rm before 2> /dev/null; then kill -9 $PPID; exit; fi
echo restored >> data.log
if rm after 2> /dev/null; then kill -9 $PPID; fi
"#;

/// Its files.
pub(super) struct Data {
    folder: PathBuf,
    /// On which side of its work it has not killed yet.
    armed: Vec<Side>,
}

impl Data {
    /// Puts it beside the runbook.
    pub(super) fn beside(runbook: &Path) -> Self {
        let folder = runbook.parent().unwrap().to_owned();
        std::fs::write(folder.join("data.sh"), SCRIPT).unwrap();
        std::fs::write(folder.join("data.log"), "").unwrap();
        Self {
            folder,
            armed: Vec::new(),
        }
    }

    /// Returns the step of the runbook.
    pub(super) fn step(&self) -> String {
        let script = self.folder.join("data.sh");
        format!(
            "{{id: data, before: root, run: {{command: [sh, {}]}}}}",
            script.display()
        )
    }

    /// Has it kill whoever starts it, once before its work and once after it.
    pub(super) fn kills_on_both_sides(&mut self) {
        self.armed = vec![Side::Before, Side::After];
        for side in &self.armed {
            std::fs::write(self.file(*side), "").unwrap();
        }
    }

    /// Returns on which side it has killed since it was asked last.
    pub(super) fn has_killed(&mut self) -> Option<Side> {
        let used = self.armed.iter().position(|side| !self.file(*side).exists())?;
        Some(self.armed.remove(used))
    }

    /// Returns how often its work was done.
    pub(super) fn times_done(&self) -> usize {
        std::fs::read_to_string(self.folder.join("data.log"))
            .unwrap()
            .lines()
            .count()
    }

    fn file(&self, side: Side) -> PathBuf {
        self.folder.join(match side {
            Side::Before => "before",
            Side::After => "after",
        })
    }
}
