//! Processor time and memory of processes, as the kernel counts them in `/proc`.

use std::collections::BTreeMap;

use crate::Trouble;

/// What the kernel says of a process in `/proc/PID/stat`.
struct Stat {
    parent: u32,
    /// Ticks of itself, and of its children that it has waited for.
    own: u64,
    children: u64,
}

fn stat(process: &str) -> Option<Stat> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name is in parentheses and may hold anything; the fields after it are counted from the third of proc_pid_stat(5).
    let (_, rest) = text.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let number = |index: usize| fields.get(index - 3)?.parse::<u64>().ok();
    Some(Stat {
        parent: u32::try_from(number(4)?).ok()?,
        own: number(14)? + number(15)?,
        children: number(16)? + number(17)?,
    })
}

fn seconds(ticks: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a century of ticks is exact")]
    let ticks = ticks as f64;
    // The kernel counts in USER_HZ for user space, which is 100 on all architectures that we know.
    ticks / 100.0
}

/// Returns the processor time, in seconds, of all children that this process has waited for.
pub(crate) fn of_children() -> Result<f64, Trouble> {
    let stat = stat("self").ok_or("/proc/self/stat cannot be read")?;
    Ok(seconds(stat.children))
}

/// Returns the processor time, in seconds, of all running descendants of this process whose program has this name, with what
/// their own children took.
pub(crate) fn of_descendants(program: &str) -> Result<f64, Trouble> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir("/proc")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if let (Ok(id), Some(stat)) = (name.parse::<u32>(), stat(&name)) {
            all.insert(id, stat);
        }
    }
    let is_ours = |mut id: u32| {
        while let Some(stat) = all.get(&id) {
            if stat.parent == std::process::id() {
                return true;
            }
            id = stat.parent;
        }
        false
    };
    let runs = |id: u32| {
        let file = std::fs::read_link(format!("/proc/{id}/exe")).ok();
        file.and_then(|file| Some(file.file_name()?.to_string_lossy().into_owned()))
            .is_some_and(|name| name == program)
    };
    let ticks = all
        .iter()
        .filter(|(id, _)| is_ours(**id) && runs(**id))
        .map(|(_, stat)| stat.own + stat.children);
    Ok(seconds(ticks.sum()))
}

/// Returns the most memory, in megabytes (10⁶ bytes), that this process had at any time.
pub(crate) fn peak_memory() -> Result<f64, Trouble> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    Ok(kib.ok_or("the kernel does not tell VmHWM")? * 1024.0 / 1e6)
}
