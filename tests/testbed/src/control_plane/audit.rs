//! The API server's audit log: the judge of what was changed, and by whom.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::{Error, Result};

/// What is recorded. Reads by the parts of the cluster itself are left out, they are thousands; everything that anybody else asks
/// and every change by anybody is in. So is which Secrets the controller of Sealed Secrets lists: it takes its keys once.
const POLICY: &str = r#"
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
    users: ["system:serviceaccount:sealed-secrets:sealed-secrets-controller"]
    verbs: [list]
    resources: [{group: "", resources: [secrets]}]
  - level: None
    userGroups: [system:masters, system:serviceaccounts, system:nodes]
    verbs: [get, list, watch]
  - level: None
    userGroups: [system:masters, system:serviceaccounts, system:nodes]
    resources: [{group: coordination.k8s.io, resources: [leases]}, {group: "", resources: [events]}, {group: events.k8s.io, resources: [events]}]
  - level: None
    users: [system:apiserver, system:anonymous]
  - level: Metadata
"#;

/// The policy for `--audit-policy-file`.
pub(super) fn policy() -> String {
    POLICY.to_owned()
}

/// Kinds that are created only to ask a question; nothing is stored.
const QUESTIONS: [&str; 6] = [
    "selfsubjectaccessreviews",
    "selfsubjectrulesreviews",
    "selfsubjectreviews",
    "subjectaccessreviews",
    "localsubjectaccessreviews",
    "tokenreviews",
];

/// One finished request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// Who asked.
    pub user: String,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`, …
    pub verb: String,
    /// The path and query as sent.
    pub uri: String,
    /// Plural resource with its subresource, such as `deployments` or `pods/status`; empty for other paths.
    pub resource: String,
    /// API group of the resource, empty for the core group.
    pub group: String,
    /// Name of the object, empty where the request names none.
    pub name: String,
    /// Namespace of the object, empty where there is none.
    pub namespace: String,
    /// HTTP status of the answer, 0 where none was recorded.
    pub code: u16,
    /// The client program.
    pub user_agent: String,
}

impl AuditEvent {
    /// Whether the request was meant to change something: not a read, not a dry run, not a question in the shape of a
    /// create. A refused one counts as well: the judge is strict.
    pub fn is_mutation(&self) -> bool {
        let changes = matches!(
            self.verb.as_str(),
            "create" | "update" | "patch" | "delete" | "deletecollection"
        );
        changes && !self.is_dry_run() && !QUESTIONS.contains(&self.resource.as_str())
    }

    fn is_dry_run(&self) -> bool {
        let query = self.uri.split_once('?').map_or("", |(_, query)| query);
        query.split('&').any(|pair| pair == "dryRun=All")
    }
}

/// The file that the API server writes, kept over its restarts.
#[derive(Clone, Debug)]
pub struct AuditLog {
    file: PathBuf,
}

impl AuditLog {
    /// The log in `file`.
    pub fn new(file: PathBuf) -> Self {
        Self { file }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.file
    }

    /// All requests so far, oldest first. The last request of a client may be missing: the API server writes it after it answered;
    /// `Bed::audit` waits for that.
    pub fn read(&self) -> Result<Vec<AuditEvent>> {
        let text = std::fs::read_to_string(&self.file).map_err(Error::io("read the audit log"))?;
        // A line without its end is still being written.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().filter_map(|line| parse(line).transpose()).collect()
    }

    /// All requests answered before this call. The API server writes a request down after it answered it, so this sends one of its
    /// own, as `client`, and waits until that is written.
    pub async fn up_to_now(&self, client: &kube::Client) -> Result<Vec<AuditEvent>> {
        let mark = format!(
            "/version?mark={}",
            std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos())
        );
        let request = http::Request::get(&mark)
            .body(Vec::new())
            .map_err(|error| Error::Other(format!("mark the audit log: {error}")))?;
        client
            .request_text(request)
            .await
            .map_err(Error::kube("mark the audit log"))?;
        for _ in 0..1000 {
            let mut events = self.read()?;
            if events.iter().any(|event| event.uri == mark) {
                events.retain(|event| !event.uri.starts_with("/version?mark="));
                return Ok(events);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err(Error::TooSlow {
            what: "the audit log".to_owned(),
            after: Duration::from_secs(10),
            log: String::new(),
        })
    }

    /// Requests of `user` that were meant to change something, whether or not they succeeded.
    pub fn mutations_by(&self, user: &str) -> Result<Vec<AuditEvent>> {
        let mut events = self.read()?;
        events.retain(|event| event.user == user && event.is_mutation());
        Ok(events)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    stage: String,
    #[serde(rename = "requestURI")]
    request_uri: String,
    verb: String,
    user: LineUser,
    #[serde(default)]
    user_agent: String,
    #[serde(default)]
    object_ref: LineObject,
    #[serde(default)]
    response_status: LineStatus,
}

#[derive(Deserialize)]
struct LineUser {
    #[serde(default)]
    username: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct LineObject {
    resource: String,
    subresource: String,
    api_group: String,
    namespace: String,
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LineStatus {
    code: u16,
}

/// The event of a line, or nothing for the first of the two lines of a watch.
fn parse(line: &str) -> Result<Option<AuditEvent>> {
    let line: Line =
        serde_json::from_str(line).map_err(|error| Error::Other(format!("read a line of the audit log: {error}")))?;
    if line.stage == "ResponseStarted" {
        return Ok(None);
    }
    let object = line.object_ref;
    let resource = match object.subresource.as_str() {
        "" => object.resource,
        subresource => format!("{}/{subresource}", object.resource),
    };
    Ok(Some(AuditEvent {
        user: line.user.username,
        verb: line.verb,
        uri: line.request_uri,
        resource,
        group: object.api_group,
        name: object.name,
        namespace: object.namespace,
        code: line.response_status.code,
        user_agent: line.user_agent,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(user: &str, verb: &str, uri: &str, resource: &str) -> String {
        serde_json::json!({
            "stage": "ResponseComplete", "requestURI": uri, "verb": verb, "user": {"username": user},
            "objectRef": {"resource": resource, "name": "shop"}, "responseStatus": {"code": 200},
        })
        .to_string()
    }

    #[test]
    fn only_what_would_change_the_cluster_is_a_mutation() {
        let folder = tempfile::tempdir().unwrap();
        let log = AuditLog::new(folder.path().join("audit.log"));
        let lines = [
            line("admin", "get", "/api/v1/pods/shop", "pods"),
            line("admin", "patch", "/api/v1/pods/shop?fieldManager=x&dryRun=All", "pods"),
            line("admin", "create", "/apis/…", "selfsubjectaccessreviews"),
            line("admin", "delete", "/api/v1/pods/shop", "pods"),
            line("other", "delete", "/api/v1/pods/shop", "pods"),
        ];
        std::fs::write(log.path(), format!("{}\n{{\"torn", lines.join("\n"))).unwrap();
        assert_eq!(log.read().unwrap().len(), 5);
        let mutations = log.mutations_by("admin").unwrap();
        assert_eq!(mutations.len(), 1);
        assert_eq!(
            (mutations[0].verb.as_str(), mutations[0].name.as_str()),
            ("delete", "shop")
        );
    }
}
