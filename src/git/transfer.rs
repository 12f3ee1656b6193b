//! One conversation with one address, by libgit2. All of it blocks.

use std::cell::RefCell;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use git2::{
    CertificateCheckStatus, Config, Cred, CredentialType, Error as GitError, ErrorClass, ErrorCode, FetchOptions, Oid,
    ProxyOptions, Remote, RemoteCallbacks, RemoteRedirect, Repository, RepositoryInitOptions,
};

use super::address::{Address, Transport};
use super::revision::{self, Head};
use super::{Access, HostKey, Kind, Login, Wanted, known_hosts, tls};
use crate::redact::Redactor;

/// A name that no repository has: asking for it lists what there is and takes nothing.
const NOTHING: &str = "refs/gitops-dr/nothing";

/// How deep one goes for a commit alone.
pub(super) const NO_HISTORY: i32 = 1;

/// Everything that branches and tags lead to.
const EVERYTHING: [&str; 2] = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];

/// Shows that a conversation goes on, and ends it from outside.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    beats: AtomicU64,
    stopped: AtomicBool,
}

impl Pulse {
    /// Notes that something happened; returns whether to go on.
    pub(super) fn beat(&self) -> bool {
        self.beats.fetch_add(1, Ordering::Relaxed);
        !self.stopped.load(Ordering::Relaxed)
    }

    /// Returns how much has happened.
    pub(super) fn beats(&self) -> u64 {
        self.beats.load(Ordering::Relaxed)
    }

    /// Asks the conversation to end as soon as it can.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}

/// A conversation.
pub(super) struct Transfer<'a> {
    address: &'a Address,
    access: &'a Access,
    /// The login for this address, which may be the one written in it.
    login: Login,
    pulse: &'a Pulse,
    redactor: Redactor,
    seen: RefCell<Seen>,
}

/// What the callbacks noticed; libgit2's own errors do not carry it.
#[derive(Default)]
struct Seen {
    logins: u32,
    denied: Option<String>,
    host_key: Option<HostKey>,
    certificate: Option<String>,
}

impl<'a> Transfer<'a> {
    pub(super) fn new(address: &'a Address, access: &'a Access, pulse: &'a Pulse) -> Self {
        let written = address.login.clone().filter(|_| access.login == Login::Public);
        let login = written.unwrap_or_else(|| access.login.clone());
        let redactor = Redactor::default();
        match &login {
            Login::Basic { password: secret, .. } | Login::Bearer(secret) | Login::Ssh { key: secret } => {
                redactor.learn(secret);
            }
            Login::Public => {}
        }
        Self {
            address,
            access,
            login,
            pulse,
            redactor,
            seen: RefCell::default(),
        }
    }

    /// Takes the wanted commit into a bare repository that is made in `folder`, with as many generations as `depth` says, or
    /// all of them where the server cannot leave any out.
    pub(super) fn take(&self, wanted: &Wanted, folder: &Path, depth: i32) -> Result<(Repository, Oid), Kind> {
        // Each taking is a conversation of its own, in which the login is asked for anew.
        *self.seen.borrow_mut() = Seen::default();
        let repository = bare(folder).map_err(|error| self.judge(&error))?;
        let commit = self.take_into(&repository, wanted, depth)?;
        Ok((repository, commit))
    }

    fn take_into(&self, repository: &Repository, wanted: &Wanted, depth: i32) -> Result<Oid, Kind> {
        let judge = |error: GitError| self.judge(&error);
        let mut remote = repository.remote_anonymous(&self.address.url).map_err(judge)?;
        self.download(&mut remote, &[NOTHING], 0).map_err(judge)?;
        let heads = heads(&remote).map_err(judge)?;
        if let Some(head) = revision::find(wanted, &heads) {
            let name = head.name.trim_end_matches("^{}");
            self.download_shallow(&mut remote, &[name], depth).map_err(judge)?;
            return commit(repository, &head.hash).map_err(judge);
        }
        let Wanted::Pinned(hash) = wanted else {
            return Err(revision::missing(wanted, &heads));
        };
        // Most servers give any commit by its hash; those that do not may say so only by hanging up.
        if self.download_shallow(&mut remote, &[hash], depth).is_ok()
            && let Ok(commit) = commit(repository, hash)
        {
            return Ok(commit);
        }
        drop(remote);
        let mut remote = repository.remote_anonymous(&self.address.url).map_err(judge)?;
        *self.seen.borrow_mut() = Seen::default();
        self.download(&mut remote, &EVERYTHING, 0).map_err(judge)?;
        commit(repository, hash).map_err(|_| revision::missing(wanted, &heads))
    }

    /// Takes no more history than this where the server can leave it out.
    fn download_shallow(&self, remote: &mut Remote<'_>, names: &[&str], depth: i32) -> Result<(), GitError> {
        if self.address.transport == Transport::File {
            return self.download(remote, names, 0);
        }
        match self.download(remote, names, depth) {
            Err(error) if error.message().contains("shallow") => self.download(remote, names, 0),
            result => result,
        }
    }

    fn download(&self, remote: &mut Remote<'_>, names: &[&str], depth: i32) -> Result<(), GitError> {
        let mut proxy = ProxyOptions::new();
        proxy.auto();
        let mut options = FetchOptions::new();
        options
            .remote_callbacks(self.callbacks())
            .proxy_options(proxy)
            .download_tags(git2::AutotagOption::None)
            .depth(depth);
        if let Login::Bearer(token) = &self.login
            && self.address.transport == Transport::Http
        {
            let header = format!("Authorization: Bearer {}", token.expose_str().unwrap_or_default());
            // A header of our own is sent wherever the server points to, so it may point nowhere else.
            options
                .custom_headers(&[&header])
                .follow_redirects(RemoteRedirect::None);
        }
        remote.download(names, Some(&mut options))
    }

    fn callbacks(&self) -> RemoteCallbacks<'_> {
        let mut callbacks = RemoteCallbacks::new();
        callbacks
            .credentials(|url, _, allowed| self.log_in(url, allowed))
            .certificate_check(|certificate, host| {
                self.pulse.beat();
                if self.access.trust.insecure {
                    return Ok(CertificateCheckStatus::CertificateOk);
                }
                if let Some(key) = certificate.as_hostkey() {
                    let kind = key.hostkey_type().map_or("unknown", |kind| kind.name());
                    return self.check_host_key(kind, key.hostkey().unwrap_or_default());
                }
                let shown = certificate
                    .as_x509()
                    .map(git2::cert::CertX509::data)
                    .unwrap_or_default();
                Ok(self.check_certificate(host, shown))
            })
            .transfer_progress(|_| self.pulse.beat())
            .sideband_progress(|_| self.pulse.beat());
        callbacks
    }

    fn log_in(&self, url: &str, allowed: CredentialType) -> Result<Cred, GitError> {
        self.pulse.beat();
        if allowed.contains(CredentialType::USERNAME) {
            return Cred::username(&self.address.user);
        }
        let refuse = |why: String| {
            self.seen.borrow_mut().denied = Some(why);
            Err(GitError::new(ErrorCode::Auth, ErrorClass::Callback, "denied"))
        };
        // libgit2 asks again for ever while the server says no.
        self.seen.borrow_mut().logins += 1;
        let again = self.seen.borrow().logins > 1;
        let over_http = self.address.transport == Transport::Http;
        if over_http && !self.address.trusts(url) {
            let elsewhere = super::address::shown(url);
            return refuse(format!(
                "it sends us on to {elsewhere}, which the credential is not for"
            ));
        }
        match &self.login {
            Login::Basic { .. } if again && over_http => {
                refuse("the server does not accept this name and password".into())
            }
            Login::Bearer(_) if over_http => refuse("the server does not accept this token".into()),
            Login::Ssh { .. } if again && !over_http => refuse(format!(
                "the server does not accept this key for user `{}`",
                self.address.user
            )),
            Login::Basic { username, password } if allowed.contains(CredentialType::USER_PASS_PLAINTEXT) => {
                Cred::userpass_plaintext(username, password.expose_str().unwrap_or_default())
            }
            Login::Ssh { key } if allowed.contains(CredentialType::SSH_MEMORY) => {
                let key = zeroize::Zeroizing::new(unix_lines(key.expose_str().unwrap_or_default()));
                Cred::ssh_key_from_memory(&self.address.user, None, &key, None)
            }
            Login::Public => refuse("the server wants a login and none was given".into()),
            Login::Ssh { .. } => {
                refuse("the server wants a name and password, and the credential is an SSH key".into())
            }
            _ => refuse("the server wants an SSH key, and the credential is a password or token".into()),
        }
    }

    fn check_host_key(&self, kind: &str, key: &[u8]) -> Result<CertificateCheckStatus, GitError> {
        let known = match &self.access.trust.known_hosts {
            Some(text) => text.clone(),
            None => known_hosts::of_this_machine(),
        };
        match known_hosts::check(&known, &self.address.host, self.address.port, kind, key) {
            Ok(()) => Ok(CertificateCheckStatus::CertificateOk),
            Err(unknown) => {
                self.seen.borrow_mut().host_key = Some(unknown);
                Err(GitError::new(ErrorCode::Certificate, ErrorClass::Callback, "host key"))
            }
        }
    }

    fn check_certificate(&self, host: &str, shown: &[u8]) -> CertificateCheckStatus {
        let Some(ca) = &self.access.trust.ca else {
            return CertificateCheckStatus::CertificatePassthrough;
        };
        match tls::vouched(ca, host, shown) {
            Ok(()) => CertificateCheckStatus::CertificateOk,
            Err(why) => {
                self.seen.borrow_mut().certificate = Some(why);
                CertificateCheckStatus::CertificatePassthrough
            }
        }
    }

    /// Says what an error of libgit2 means for the address.
    pub(super) fn judge(&self, error: &GitError) -> Kind {
        let seen = self.seen.borrow();
        let said = self.redactor.redact(error.message()).into_owned();
        let status = said.strip_prefix("unexpected http status code: ").unwrap_or_default();
        if let Some(key) = &seen.host_key {
            return Kind::HostKey(key.clone());
        }
        if let Some(why) = &seen.denied {
            return Kind::Denied(why.clone());
        }
        match (error.code(), error.class()) {
            (_, ErrorClass::Ssh) if said.contains("authenticate") => {
                Kind::Denied(format!("the key cannot be used ({said})"))
            }
            (ErrorCode::Auth, _) => Kind::Denied(said),
            (ErrorCode::Certificate, _) => Kind::Tls(seen.certificate.clone().unwrap_or(said)),
            (_, ErrorClass::Ssl) if said.contains("certificate") => Kind::Tls(seen.certificate.clone().unwrap_or(said)),
            _ if status == "401" || status == "403" => Kind::Denied(format!("the server answers {status}")),
            _ if status == "404" || status == "410" || says_no_repository(&said) => Kind::NoSuchRepository,
            _ if !status.is_empty() => Kind::Unreachable(format!("the server answers {status}")),
            (_, ErrorClass::Net | ErrorClass::Os | ErrorClass::Http | ErrorClass::Ssl | ErrorClass::Ssh)
            | (ErrorCode::Timeout | ErrorCode::Eof, _) => Kind::Unreachable(said),
            _ => Kind::Other(said),
        }
    }
}

/// Makes a bare repository whose configuration is its own file alone.
fn bare(folder: &Path) -> Result<Repository, GitError> {
    let mut options = RepositoryInitOptions::new();
    options.bare(true).external_template(false);
    let repository = Repository::init_opts(folder, &options)?;
    repository.set_config(&Config::open(&folder.join("config"))?)?;
    Ok(repository)
}

fn heads(remote: &Remote<'_>) -> Result<Vec<Head>, GitError> {
    let listed = remote.list()?.iter();
    Ok(listed
        .map(|head| Head {
            name: head.name().to_owned(),
            hash: head.oid().to_string(),
        })
        .collect())
}

/// Returns the commit that a hash stands for: itself, or the one behind an annotated tag.
fn commit(repository: &Repository, hash: &str) -> Result<Oid, GitError> {
    let object = repository.find_object(Oid::from_str(hash)?, None)?;
    Ok(object.peel_to_commit()?.id())
}

/// libssh2 reads a key only with plain line ends and a line end after its last line.
fn unix_lines(key: &str) -> String {
    key.lines()
        .fold(String::new(), |text, line| text + line.trim_end() + "\n")
}

/// How the usual servers say over SSH that a repository is not there.
fn says_no_repository(said: &str) -> bool {
    let said = said.to_lowercase();
    [
        "does not appear to be a git repository",
        "repository not found",
        "could not be found",
        "repository does not exist",
    ]
    .iter()
    .any(|words| said.contains(words))
}
