//! TCP ports that no other server of any testbed on this machine is given.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::{Error, Result};

/// Below the range that the kernel takes for outgoing connections (32768 and up), so that a port stays free between the choice
/// and the start of its server, and while a server is stopped and started again.
const FIRST: u32 = 20_000;
const COUNT: u32 = 12_000;

/// A port of 127.0.0.1, ours as long as this value lives.
#[derive(Debug)]
pub struct Port {
    number: u16,
    /// The lock that keeps other test processes from choosing the same port.
    _lock: File,
}

impl Port {
    /// Finds a port that nobody listens on and that no other living [`Port`] of this machine holds.
    pub fn free() -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // Processes start at different places, so that they seldom compete for the same lock.
        let start = std::process::id().wrapping_mul(97);
        for _ in 0..COUNT {
            let offset = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
            let Ok(number) = u16::try_from(FIRST + offset) else {
                continue;
            };
            if let Some(lock) = try_lock(&format!("port-{number}"))?
                && TcpListener::bind(("0.0.0.0", number)).is_ok()
            {
                return Ok(Self { number, _lock: lock });
            }
        }
        Err(Error::Other(format!(
            "find a free port between {FIRST} and {}",
            FIRST + COUNT
        )))
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.number
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number.fmt(f)
    }
}

/// Takes the lock `name` if nobody on this machine holds it; the kernel gives it back when the holder ends.
fn try_lock(name: &str) -> Result<Option<File>> {
    let folder = lock_folder()?;
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join(name))
        .map_err(Error::io("open a lock file"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(error)) => Err(Error::io("lock a file")(error)),
    }
}

fn lock_folder() -> Result<PathBuf> {
    let user = rustix::process::getuid().as_raw();
    let folder = std::env::temp_dir().join(format!("gitops-dr-testbed-locks-{user}"));
    std::fs::create_dir_all(&folder).map_err(Error::io("make the folder of the lock files"))?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn living_ports_differ_and_can_be_bound() {
        let ports: Vec<Port> = (0..50).map(|_| Port::free().unwrap()).collect();
        let numbers: HashSet<u16> = ports.iter().map(Port::number).collect();
        assert_eq!(numbers.len(), ports.len());
        for number in numbers {
            TcpListener::bind(("127.0.0.1", number)).unwrap();
        }
    }
}
