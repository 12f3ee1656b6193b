//! Fetches one revision: the addresses in order, each bounded, into a folder per commit.

use std::fmt;
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::address::{self, Address};
use super::transfer::{NO_HISTORY, Pulse, Transfer};
use super::tree::{self, Problem};
use super::{Access, Error, Kind, Refusal};

/// How long a server may be silent unless a request says otherwise.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How long to wait before the addresses that could not be reached are tried once more.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];

/// What to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// A branch, a tag or `HEAD`, whatever commit it is at; a full name such as `refs/tags/v1` too.
    Follow(String),
    /// The commit with this full hash.
    Pinned(String),
}

/// A revision to fetch.
#[derive(Clone)]
pub struct Request {
    /// The address of the repository.
    pub url: String,
    /// Other addresses of it, tried in order.
    pub mirrors: Vec<String>,
    /// What to take.
    pub revision: Wanted,
    /// How to log in, at whichever address.
    pub access: Access,
    /// How long a server may be silent; [`PATIENCE`] is a good choice. A slow one that sends is waited for.
    pub patience: Duration,
}

impl fmt::Debug for Request {
    /// An address may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("urls", &self.urls().map(|url| address::shown(url)).collect::<Vec<_>>())
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

impl Request {
    /// Returns the addresses in the order in which they are tried.
    fn urls(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.url).chain(&self.mirrors)
    }
}

/// A commit on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    /// The commit's full hash.
    pub commit: String,
    /// The folder with its files, and nothing else. Others may read from it at the same time: do not write there.
    pub directory: PathBuf,
    /// The address that answered, without a password.
    pub url: String,
    /// Submodules, which are left as empty folders. Known only when the commit was laid out anew.
    pub submodules: Vec<PathBuf>,
}

/// Fetches a revision into the folder `into`, which is made where it is missing.
///
/// An address that cannot be reached is tried three times, one that refuses or stays silent once. A commit that is there
/// already is not laid out again. Dropping the future gives the conversation up.
pub async fn fetch(request: &Request, into: &Path) -> Result<Checkout, Error> {
    at_any(request, into, converse).await
}

/// Does something at the first address that lets us, as [`fetch`] does.
pub(super) async fn at_any<T: Send + 'static>(
    request: &Request,
    into: &Path,
    conversation: impl Fn(&Talk<'_>) -> Result<T, Trouble> + Clone + Send + 'static,
) -> Result<T, Error> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(into)
        .map_err(|source| folder(into, source))?;
    let mut refused: Vec<Option<Refused>> = request.urls().map(|_| None).collect();
    for wait in PAUSES.map(Some).into_iter().chain([None]) {
        for (url, refused) in request.urls().zip(&mut refused) {
            if refused.as_ref().is_some_and(|refused| !refused.passing) {
                continue;
            }
            match at_one(request, url, into, conversation.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(Trouble::Folder(error)) => return Err(error),
                Err(Trouble::Address(kind)) => *refused = Some(Refused::new(kind)),
                Err(Trouble::Silent) => *refused = Some(Refused::silent(request.patience)),
            }
        }
        match wait {
            Some(pause) if refused.iter().flatten().any(|refused| refused.passing) => tokio::time::sleep(pause).await,
            _ => break,
        }
    }
    let urls = request.urls();
    let refusals = urls.zip(refused).filter_map(|(url, refused)| {
        Some(Refusal {
            url: address::shown(url),
            kind: refused?.kind,
        })
    });
    Err(Error::Refused(refusals.collect()))
}

/// Why an address was of no use, and whether that may pass.
struct Refused {
    kind: Kind,
    passing: bool,
}

impl Refused {
    fn new(kind: Kind) -> Self {
        let passing = matches!(kind, Kind::Unreachable(_));
        Self { kind, passing }
    }

    /// A silent server has had its time.
    fn silent(patience: Duration) -> Self {
        Self {
            kind: Kind::Unreachable(format!("no answer within {} s", patience.as_secs_f32())),
            passing: false,
        }
    }
}

/// What a conversation is held with.
pub(super) struct Talk<'a> {
    /// The address.
    pub(super) address: &'a Address,
    /// How to log in.
    pub(super) access: &'a Access,
    /// What to take.
    pub(super) wanted: &'a Wanted,
    /// The folder for what is taken.
    pub(super) into: &'a Path,
    /// Shows that it goes on.
    pub(super) pulse: &'a Pulse,
}

impl Talk<'_> {
    /// Makes a folder that is gone when it is dropped.
    pub(super) fn folder(&self, prefix: &str) -> Result<tempfile::TempDir, Trouble> {
        tempfile::Builder::new()
            .prefix(prefix)
            .tempdir_in(self.into)
            .map_err(|source| Trouble::Folder(folder(self.into, source)))
    }
}

/// What can go wrong at one address.
pub(super) enum Trouble {
    /// It is the address; another one may do better.
    Address(Kind),
    /// It is the address, which says nothing.
    Silent,
    /// It is this machine.
    Folder(Error),
}

/// Ends a conversation when nobody waits for it any more.
struct StopOnDrop(Arc<Pulse>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

async fn at_one<T: Send + 'static>(
    request: &Request,
    url: &str,
    into: &Path,
    conversation: impl Fn(&Talk<'_>) -> Result<T, Trouble> + Send + 'static,
) -> Result<T, Trouble> {
    let address = Address::parse(url).map_err(|why| Trouble::Address(Kind::Address(why)))?;
    let pulse = Arc::new(Pulse::default());
    let stop = StopOnDrop(pulse.clone());
    let (sender, mut answer) = oneshot::channel();
    let (wanted, access, into) = (request.revision.clone(), request.access.clone(), into.to_owned());
    // A thread of its own and not one of the runtime's: a connection that hangs cannot be interrupted, and the runtime
    // would wait for it before the program could end.
    std::thread::Builder::new()
        .name("git".to_owned())
        .spawn(move || {
            let _ = sender.send(conversation(&Talk {
                address: &address,
                access: &access,
                wanted: &wanted,
                into: &into,
                pulse: &pulse,
            }));
        })
        .map_err(|source| Trouble::Folder(folder(Path::new("thread"), source)))?;
    let tick = request.patience / 8;
    let (mut beats, mut silent) = (0, Duration::ZERO);
    while silent < request.patience {
        tokio::select! {
            biased;
            result = &mut answer => {
                return result.unwrap_or_else(|_| Err(Trouble::Address(Kind::Other("libgit2 failed".to_owned()))));
            }
            () = tokio::time::sleep(tick) => {
                let now = stop.0.beats();
                silent = if now == beats { silent + tick } else { Duration::ZERO };
                beats = now;
            }
        }
    }
    Err(Trouble::Silent)
}

/// Takes the commit and lays its files out.
fn converse(talk: &Talk<'_>) -> Result<Checkout, Trouble> {
    let (into, pulse) = (talk.into, talk.pulse);
    let wrong = |source| Trouble::Folder(folder(into, source));
    let objects = talk.folder(".fetch-")?;
    let transfer = Transfer::new(talk.address, talk.access, pulse);
    let (repository, id) = transfer
        .take(talk.wanted, objects.path(), NO_HISTORY)
        .map_err(Trouble::Address)?;
    let commit = id.to_string();
    let mut checkout = Checkout {
        directory: into.join(&commit),
        commit,
        url: talk.address.url.clone(),
        submodules: Vec::new(),
    };
    if checkout.directory.is_dir() {
        return Ok(checkout);
    }
    let judge = |error: git2::Error| Trouble::Address(transfer.judge(&error));
    let tree = repository
        .find_commit(id)
        .and_then(|commit| commit.tree())
        .map_err(judge)?;
    let files = talk.folder(".files-")?;
    checkout.submodules = tree::lay_out(&repository, &tree, files.path(), &|| {
        pulse.beat();
    })
    .map_err(|problem| match problem {
        Problem::LeadsOut(paths) => Trouble::Address(Kind::LeadsOut(paths)),
        Problem::Folder(path, source) => Trouble::Folder(folder(&path, source)),
        Problem::Object(error) => judge(error),
    })?;
    // Complete or not there at all: whoever was faster laid out the same files.
    match fs::rename(files.path(), &checkout.directory) {
        Err(source) if !checkout.directory.is_dir() => Err(wrong(source)),
        _ => Ok(checkout),
    }
}

fn folder(path: &Path, source: std::io::Error) -> Error {
    Error::Folder {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock as _, SystemClock};
    use git2::{FileMode, Oid, Repository, Signature};
    use std::os::unix::fs::PermissionsExt as _;
    use tempfile::TempDir;

    /// A repository on disk, served by its path.
    struct Origin {
        folder: TempDir,
        repository: Repository,
    }

    type File<'a> = (&'a str, &'a str, FileMode);

    impl Origin {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let repository = Repository::init_bare(folder.path()).unwrap();
            repository.set_head("refs/heads/main").unwrap();
            Self { folder, repository }
        }

        /// Adds a commit with these files, at the tip of `main`.
        fn commit(&self, files: &[File<'_>]) -> Oid {
            let mut update = git2::build::TreeUpdateBuilder::new();
            for (path, text, mode) in files {
                update.upsert(*path, self.repository.blob(text.as_bytes()).unwrap(), *mode);
            }
            let empty = self.repository.treebuilder(None).unwrap().write().unwrap();
            let empty = self.repository.find_tree(empty).unwrap();
            let tree = update.create_updated(&self.repository, &empty).unwrap();
            let tree = self.repository.find_tree(tree).unwrap();
            let who = Signature::new("a", "a@example.com", &git2::Time::new(1, 0)).unwrap();
            let parent = self.repository.refname_to_id("refs/heads/main").ok();
            let parent = parent.map(|id| self.repository.find_commit(id).unwrap());
            let parents: Vec<_> = parent.iter().collect();
            self.repository
                .commit(Some("refs/heads/main"), &who, &who, "a change", &tree, &parents)
                .unwrap()
        }

        fn request(&self, revision: Wanted) -> Request {
            Request {
                url: format!("file://{}", self.folder.path().display()),
                mirrors: Vec::new(),
                revision,
                access: Access::default(),
                patience: PATIENCE,
            }
        }
    }

    fn follow(name: &str) -> Wanted {
        Wanted::Follow(name.to_owned())
    }

    fn kind(result: Result<Checkout, Error>) -> Kind {
        result.unwrap_err().kind().unwrap().clone()
    }

    #[tokio::test]
    async fn a_commit_is_laid_out_as_it_is() {
        let origin = Origin::new();
        let commit = origin.commit(&[
            ("a/run.sh", "#!/bin/sh\r\n", FileMode::BlobExecutable),
            ("a/b/c.yaml", "x: 1\n", FileMode::Blob),
            ("a/link", "b/c.yaml", FileMode::Link),
            (".gitattributes", "* text eol=lf\n", FileMode::Blob),
        ]);
        let cache = tempfile::tempdir().unwrap();
        let checkout = fetch(&origin.request(follow("main")), cache.path()).await.unwrap();
        assert_eq!(checkout.commit, commit.to_string());
        assert!(checkout.url.starts_with("file://"));
        let folder = &checkout.directory;
        assert_eq!(fs::read(folder.join("a/run.sh")).unwrap(), b"#!/bin/sh\r\n");
        assert_eq!(
            fs::metadata(folder.join("a/run.sh")).unwrap().permissions().mode() & 0o777,
            0o755
        );
        assert_eq!(
            fs::metadata(folder.join("a/b/c.yaml")).unwrap().permissions().mode() & 0o777,
            0o644
        );
        assert_eq!(fs::read(folder.join("a/link")).unwrap(), b"x: 1\n");
        assert!(!folder.join(".git").exists());
        // Nothing but the commit is left in the cache.
        let left: Vec<_> = fs::read_dir(cache.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, [checkout.commit.as_str()]);
    }

    #[tokio::test]
    async fn branches_tags_and_hashes_are_found() {
        let origin = Origin::new();
        let first = origin.commit(&[("x", "1", FileMode::Blob)]);
        let tagged = origin.repository.find_object(first, None).unwrap();
        let who = Signature::new("a", "a@example.com", &git2::Time::new(1, 0)).unwrap();
        origin.repository.tag("v1", &tagged, &who, "one", false).unwrap();
        let between = origin.commit(&[("x", "2", FileMode::Blob)]);
        let last = origin.commit(&[("x", "3", FileMode::Blob)]);
        let cache = tempfile::tempdir().unwrap();
        for (wanted, commit) in [
            (follow("HEAD"), last),
            (follow("main"), last),
            (follow("refs/heads/main"), last),
            (follow("v1"), first),
            (Wanted::Pinned(first.to_string()), first),
            (Wanted::Pinned(between.to_string()), between),
            (Wanted::Pinned(last.to_string()), last),
        ] {
            let checkout = fetch(&origin.request(wanted.clone()), cache.path()).await.unwrap();
            assert_eq!(checkout.commit, commit.to_string(), "{wanted:?}");
        }
        let missing = kind(fetch(&origin.request(follow("mian")), cache.path()).await);
        assert_eq!(
            missing.to_string(),
            "there is no branch or tag `mian`; did you mean `main`?"
        );
        let missing = kind(fetch(&origin.request(Wanted::Pinned("1".repeat(40))), cache.path()).await);
        assert!(
            missing
                .to_string()
                .starts_with(&format!("there is no commit {}", "1".repeat(40))),
            "{missing}"
        );
    }

    #[tokio::test]
    async fn whoever_fetches_the_same_commit_at_the_same_time_gets_the_same_folder() {
        let origin = Origin::new();
        origin.commit(&[("x", "1", FileMode::Blob)]);
        let cache = tempfile::tempdir().unwrap();
        let request = origin.request(follow("main"));
        let fetched = futures::future::join_all((0..6).map(|_| fetch(&request, cache.path()))).await;
        for checkout in fetched {
            assert_eq!(fs::read(checkout.unwrap().directory.join("x")).unwrap(), b"1");
        }
        assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn an_empty_repository_is_said_to_be_empty() {
        let cache = tempfile::tempdir().unwrap();
        let missing = kind(fetch(&Origin::new().request(follow("main")), cache.path()).await);
        assert_eq!(
            missing.to_string(),
            "there is no branch or tag `main`; the repository is empty"
        );
    }

    #[tokio::test]
    async fn links_that_leave_the_commit_are_refused() {
        let origin = Origin::new();
        origin.commit(&[
            ("a/passwd", "/etc/passwd", FileMode::Link),
            ("b", "../b", FileMode::Link),
        ]);
        let cache = tempfile::tempdir().unwrap();
        let refused = kind(fetch(&origin.request(follow("main")), cache.path()).await);
        let expected = Kind::LeadsOut(vec!["a/passwd → /etc/passwd".to_owned(), "b → ../b".to_owned()]);
        assert_eq!(refused, expected);
        assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_mirror_steps_in_and_all_failures_are_told() {
        let origin = Origin::new();
        origin.commit(&[("x", "1", FileMode::Blob)]);
        let cache = tempfile::tempdir().unwrap();
        let good = origin.request(follow("main"));
        let closed = "http://bot:hunter2hunter2@127.0.0.1:1/a.git".to_owned();
        let mirrored = Request {
            url: closed.clone(),
            mirrors: vec![good.url.clone()],
            ..good.clone()
        };
        assert_eq!(fetch(&mirrored, cache.path()).await.unwrap().url, good.url);
        let dead = Request {
            url: closed,
            mirrors: vec!["ftp://x/y".to_owned()],
            ..good
        };
        let error = fetch(&dead, cache.path()).await.unwrap_err();
        let Error::Refused(refusals) = &error else {
            panic!("{error}")
        };
        assert!(matches!(refusals[0].kind, Kind::Unreachable(_)), "{error}");
        assert!(matches!(refusals[1].kind, Kind::Address(_)), "{error}");
        assert!(!format!("{error} {error:?} {:?} {dead:?}", error.failure()).contains("hunter2"));
    }

    #[tokio::test]
    async fn a_server_that_never_answers_is_given_up() {
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = silent.local_addr().unwrap().port();
        let cache = tempfile::tempdir().unwrap();
        for scheme in ["http", "https", "ssh"] {
            let request = Request {
                url: format!("{scheme}://127.0.0.1:{port}/a.git"),
                patience: Duration::from_millis(200),
                ..Origin::new().request(follow("main"))
            };
            let clock = SystemClock::start();
            let given_up = kind(fetch(&request, cache.path()).await);
            assert_eq!(given_up, Kind::Unreachable("no answer within 0.2 s".to_owned()));
            assert!(clock.elapsed() < Duration::from_secs(5));
        }
    }
}
