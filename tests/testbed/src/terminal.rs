//! A terminal of its own for a program, with somebody who reads it and types.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use crate::{Error, Result};

/// A terminal. What the program writes is kept as it is, control characters included.
pub struct Terminal {
    master: File,
    said: watch::Receiver<String>,
    /// How much of it was looked at.
    seen: usize,
}

impl Terminal {
    /// Starts a program on a new terminal of so many rows and columns. Standard output goes elsewhere if it is set before.
    pub fn start(mut command: Command, rows: u16, columns: u16) -> Result<(Self, Child)> {
        let failed = |error: rustix::io::Errno| Error::io("open a terminal")(error.into());
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).map_err(failed)?;
        grantpt(&master).map_err(failed)?;
        unlockpt(&master).map_err(failed)?;
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&master, size).map_err(failed)?;
        let name = ptsname(&master, Vec::new()).map_err(failed)?;
        let slave = OpenOptions::new()
            .read(true)
            .write(true)
            .open(name.to_string_lossy().as_ref())
            .map_err(Error::io("open a terminal"))?;
        let again = || slave.try_clone().map(Stdio::from).map_err(Error::io("open a terminal"));
        command.stdin(again()?).stdout(again()?).stderr(again()?);
        let child = command.spawn().map_err(Error::io("start a program on a terminal"))?;
        let master = File::from(master);
        let reader = master.try_clone().map_err(Error::io("read a terminal"))?;
        let said = listen(reader);
        Ok((Self { master, said, seen: 0 }, child))
    }

    /// Types a line.
    pub fn type_line(&mut self, line: &str) -> Result<()> {
        self.master
            .write_all(format!("{line}\n").as_bytes())
            .map_err(Error::io("type on a terminal"))
    }

    /// Waits until the program has written these words, after those that were waited for before.
    pub async fn until(&mut self, words: &str) -> Result<()> {
        loop {
            let at = self.said.borrow_and_update()[self.seen..].find(words);
            if let Some(at) = at {
                self.seen += at + words.len();
                return Ok(());
            }
            if self.said.changed().await.is_err() {
                return Err(Error::Other(format!(
                    "the program ended without “{words}”: {}",
                    self.said()
                )));
            }
        }
    }

    /// Waits until the program has closed the terminal, and returns all that it wrote.
    pub async fn rest(&mut self) -> String {
        while self.said.changed().await.is_ok() {}
        self.said()
    }

    /// Returns all that the program wrote so far.
    pub fn said(&self) -> String {
        self.said.borrow().clone()
    }
}

/// Collects what is written until the last program has closed the terminal.
fn listen(mut reader: File) -> watch::Receiver<String> {
    let (sender, said) = watch::channel(String::new());
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let mut buffer = [0; 4096];
        // When nobody has the terminal open any more, reading from it fails.
        while let Ok(count @ 1..) = reader.read(&mut buffer) {
            bytes.extend_from_slice(&buffer[..count]);
            // A character may come in two parts: what is not whole yet is looked at with the next.
            let whole = match std::str::from_utf8(&bytes) {
                Ok(text) => text.len(),
                Err(error) => error.valid_up_to(),
            };
            let text = String::from_utf8_lossy(&bytes[..whole]).into_owned();
            sender.send_modify(|said| said.push_str(&text));
            bytes.drain(..whole);
        }
    });
    said
}
