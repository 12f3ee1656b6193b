//! The journal: a run's events on disk, one JSON object a line, forced to disk before the next action.
//!
//! The first line is a header with the format's version. A reader drops a torn last line, reads unknown minor versions
//! and refuses unknown major ones.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::{Body, Event, Run, RunId, Step};

/// The major version of the format that this program reads and writes.
const MAJOR: u32 = 1;
/// The minor version of the format that this program writes.
const MINOR: u32 = 0;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Header {
    journal: String,
    major: u32,
    minor: u32,
    run: RunId,
}

/// What every event has, whatever it says.
#[derive(Debug, Deserialize)]
struct Envelope {
    seq: u64,
    at: Timestamp,
    elapsed_ms: u64,
    family: String,
}

impl Envelope {
    /// Returns the event as one of which no more is known.
    fn unknown(self) -> Event {
        let body = match self.family.as_str() {
            "run" => Body::Run(Run::Unknown),
            "step" => Body::Step(Step::Unknown),
            _ => Body::Unknown,
        };
        Event {
            seq: self.seq,
            at: self.at,
            elapsed_ms: self.elapsed_ms,
            body,
        }
    }
}

/// Why a journal cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be used.
    #[error("journal {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It is no journal.
    #[error("{0} is not a journal of gitops-dr")]
    NotAJournal(PathBuf),
    /// A newer program wrote it.
    #[error("journal {path} has format {major}; this program reads format {MAJOR}")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its major version.
        major: u32,
    },
    /// A line in it is not an event.
    #[error("journal {path} is broken at line {line}")]
    Broken {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// There is no such run.
    #[error("no run {0} in {1}")]
    NoSuchRun(String, PathBuf),
}

/// A journal being written.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
}

impl Journal {
    /// Starts the journal of a run in a folder, made if need be. Others may not read it.
    pub fn create(folder: &Path, run: &RunId) -> Result<Self, Error> {
        let path = folder.join(format!("{run}.jsonl"));
        let failed = |source| Error::Io {
            path: path.clone(),
            source,
        };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let file = OpenOptions::new()
            .create_new(true)
            .append(true)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        // Two processes that write one journal would garble it; the lock ends with the process.
        file.try_lock().map_err(|error| failed(error.into()))?;
        Self { file, path }.begin(folder, run)
    }

    /// Writes the header. A file without one would be taken for a run that cannot be read, so it does not stay.
    fn begin(mut self, folder: &Path, run: &RunId) -> Result<Self, Error> {
        let header = Header {
            journal: "gitops-dr".into(),
            major: MAJOR,
            minor: MINOR,
            run: run.clone(),
        };
        // The folder's entry of the file must survive a crash as well.
        let begun = self.line(&header, true).and_then(|()| File::open(folder)?.sync_all());
        if let Err(source) = begun {
            let _ = std::fs::remove_file(&self.path);
            return Err(Error::Io {
                path: self.path,
                source,
            });
        }
        Ok(self)
    }

    /// Writes to a file that is already open; for tests of files that cannot be written.
    #[cfg(test)]
    pub(super) fn on(file: File, path: PathBuf) -> Self {
        Self { file, path }
    }

    /// Returns where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends an event; on return a lifecycle event is on disk.
    pub fn append(&mut self, event: &Event) -> Result<(), Error> {
        self.line(event, event.body.is_lifecycle()).map_err(|source| Error::Io {
            path: self.path.clone(),
            source,
        })
    }

    fn line(&mut self, value: &impl Serialize, force: bool) -> io::Result<()> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        // One write, so that a crash can tear only the last line.
        self.file.write_all(&line)?;
        if force { self.file.sync_data() } else { Ok(()) }
    }
}

/// Whether the run is still going on, in another process of this machine: whoever writes a journal holds its lock. `None` where
/// that cannot be told, such as of another user's journal, which may not be opened.
pub fn is_being_written(path: &Path) -> Option<bool> {
    match File::open(path).ok()?.try_lock_shared() {
        Ok(()) => Some(false),
        Err(TryLockError::WouldBlock) => Some(true),
        Err(TryLockError::Error(_)) => None,
    }
}

/// Reads a line that a newer program may have written: of what this one has no word for, only that it happened is known.
pub fn event(line: &[u8]) -> Result<Event, serde_json::Error> {
    serde_json::from_slice(line).or_else(|error| {
        let envelope = serde_json::from_slice::<Envelope>(line);
        envelope.map(Envelope::unknown).map_err(|_| error)
    })
}

/// Reads a journal. A torn last line is dropped; a broken line before that is an error that names it, for an end that is
/// lost would make another run of this one.
pub fn read(path: &Path) -> Result<Vec<Event>, Error> {
    let text = std::fs::read(path).map_err(|source| Error::Io {
        path: path.to_owned(),
        source,
    })?;
    // Bytes, not text: a line may be torn inside a character.
    let mut lines = text.split_inclusive(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default();
    let header: Header = serde_json::from_slice(first).map_err(|_| Error::NotAJournal(path.to_owned()))?;
    if header.major != MAJOR {
        return Err(Error::Newer {
            path: path.to_owned(),
            major: header.major,
        });
    }
    let mut events = Vec::new();
    // A newer program may say something of a known happening in a word that this one has not.
    let is_newer = header.minor > MINOR;
    for (index, line) in lines.enumerate() {
        let read = if is_newer {
            self::event(line)
        } else {
            serde_json::from_slice(line)
        };
        match read {
            Ok(event) => events.push(event),
            Err(_) if !line.ends_with(b"\n") => {}
            Err(_) => {
                return Err(Error::Broken {
                    path: path.to_owned(),
                    line: index + 2,
                });
            }
        }
    }
    Ok(events)
}

/// Returns the journal of a run by its name, or the newest one.
pub fn find(folder: &Path, run: Option<&str>) -> Result<PathBuf, Error> {
    let missing = || Error::NoSuchRun(run.unwrap_or("at all").to_owned(), folder.to_owned());
    if let Some(run) = run {
        let path = folder.join(format!("{run}.jsonl"));
        return if path.is_file() { Ok(path) } else { Err(missing()) };
    }
    newest_first(folder).into_iter().next().ok_or_else(missing)
}

/// Returns the journals in a folder, the newest first: names of runs sort by time.
pub fn newest_first(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut journals: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    journals.sort_unstable_by(|a, b| b.cmp(a));
    journals
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(seq: u64, notice: &str) -> Event {
        Event {
            seq,
            at: Timestamp::UNIX_EPOCH,
            elapsed_ms: seq,
            body: Body::Run(Run::Noticed { notice: notice.into() }),
        }
    }

    fn written() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::create(folder.path(), &RunId("01A".into())).unwrap();
        journal.append(&event(1, "one")).unwrap();
        journal.append(&event(2, "“two” …")).unwrap();
        let path = journal.path().to_owned();
        (folder, path)
    }

    #[test]
    fn what_was_written_is_read_again() {
        let (_folder, path) = written();
        assert_eq!(read(&path).unwrap(), vec![event(1, "one"), event(2, "“two” …")]);
    }

    #[test]
    fn a_torn_last_line_is_dropped_wherever_it_is_torn() {
        let (_folder, path) = written();
        let whole = std::fs::read(&path).unwrap();
        let last_line = whole[..whole.len() - 1]
            .iter()
            .rposition(|byte| *byte == b'\n')
            .unwrap()
            + 1;
        for end in last_line..whole.len() - 1 {
            std::fs::write(&path, &whole[..end]).unwrap();
            assert_eq!(read(&path).unwrap(), vec![event(1, "one")], "torn at byte {end}");
        }
    }

    #[test]
    fn a_broken_line_in_the_middle_is_named() {
        let (_folder, path) = written();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replacen("\"family\"", "\"fam", 1)).unwrap();
        assert!(matches!(read(&path), Err(Error::Broken { line: 2, .. })));
    }

    #[test]
    fn another_major_version_is_refused_and_another_minor_one_is_read() {
        let (_folder, path) = written();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("\"minor\":0", "\"minor\":7,\"new\":true")).unwrap();
        assert_eq!(read(&path).unwrap().len(), 2);
        std::fs::write(&path, text.replace("\"major\":1", "\"major\":2")).unwrap();
        assert!(matches!(read(&path), Err(Error::Newer { major: 2, .. })));
    }

    #[test]
    fn an_event_of_a_newer_program_is_read_as_unknown() {
        let (_folder, path) = written();
        let line = r#"{"seq":3,"at":"1970-01-01T00:00:00Z","elapsed_ms":3,"family":"weather","rain":true}"#;
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{text}{line}\n")).unwrap();
        assert_eq!(read(&path).unwrap()[2].body, Body::Unknown);
    }

    #[test]
    fn a_word_that_only_a_newer_program_has_makes_its_line_unknown_and_not_the_journal_broken() {
        let (_folder, path) = written();
        let text = std::fs::read_to_string(&path).unwrap();
        let newer = text.replace("\"minor\":0", "\"minor\":1");
        for (line, body) in [
            (
                r#""family":"run","event":"finished","outcome":"half-way","failure":null"#,
                Body::Run(Run::Unknown),
            ),
            (
                r#""family":"step","event":"started","id":"a","phase":"apps","title":"","effect":"twice""#,
                Body::Step(Step::Unknown),
            ),
            (
                r#""family":"step","event":"started","id":"a","phase":"dusk","title":"","effect":"reads""#,
                Body::Step(Step::Unknown),
            ),
            (
                r#""family":"step","event":"finished","id":"a","outcome":"postponed","until":1"#,
                Body::Step(Step::Unknown),
            ),
            (
                r#""family":"node","id":"a","name":"a","parent":null,"phase":"asleep","words":"","revision":null"#,
                Body::Unknown,
            ),
        ] {
            let line = format!(r#"{{"seq":3,"at":"1970-01-01T00:00:00Z","elapsed_ms":3,{line}}}"#);
            std::fs::write(&path, format!("{newer}{line}\n")).unwrap();
            assert_eq!(read(&path).unwrap()[2].body, body, "{line}");
            // Of a program of our own age such a line is damage.
            std::fs::write(&path, format!("{text}{line}\n")).unwrap();
            assert!(matches!(read(&path), Err(Error::Broken { line: 4, .. })), "{line}");
        }
    }

    #[test]
    fn where_a_full_disk_takes_no_header_no_file_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("01A.jsonl");
        File::create(&path).unwrap();
        // The device that is always full.
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let begun = Journal::on(full, path.clone()).begin(folder.path(), &RunId("01A".into()));
        assert!(matches!(begun, Err(Error::Io { .. })), "{begun:?}");
        assert!(!path.exists());
    }

    #[test]
    fn a_run_that_goes_on_is_known_by_the_lock_of_its_journal() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::create(folder.path(), &RunId("01A".into())).unwrap();
        let path = journal.path().to_owned();
        assert_eq!(is_being_written(&path), Some(true));
        drop(journal);
        assert_eq!(is_being_written(&path), Some(false));
        // What may not be opened tells nothing, and neither does what is not there: nobody is taken for dead by that.
        assert_eq!(is_being_written(&path.join("below-a-file")), None);
        assert_eq!(is_being_written(&folder.path().join("01B.jsonl")), None);
    }

    #[test]
    fn others_may_not_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_folder, path) = written();
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
