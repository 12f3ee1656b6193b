//! A request as the rules see it.

use http::{Method, Uri};

/// What was asked, without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The method, such as `PATCH`.
    pub method: Method,
    /// The path, such as `/api/v1/namespaces/argocd`.
    pub path: String,
    /// The query as sent, without the question mark.
    pub query: String,
}

impl Asked {
    pub(super) fn of(method: &Method, uri: &Uri) -> Self {
        Self {
            method: method.clone(),
            path: uri.path().to_owned(),
            query: uri.query().unwrap_or_default().to_owned(),
        }
    }

    /// Whether the query has this pair.
    pub fn has(&self, pair: &str) -> bool {
        self.query.split('&').any(|found| found == pair)
    }

    /// Whether it is a watch of the API server.
    pub fn is_watch(&self) -> bool {
        self.method == Method::GET && (self.has("watch=true") || self.has("watch=1"))
    }

    /// Whether it is meant to change something, by the same measure as [`crate::control_plane::AuditEvent::is_mutation`]: no
    /// read, no dry run, no question in the shape of a create.
    pub fn is_mutation(&self) -> bool {
        let questions = ["reviews"];
        self.method != Method::GET
            && self.method != Method::HEAD
            && !self.has("dryRun=All")
            && !questions.iter().any(|question| self.path.ends_with(question))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: &Method, uri: &str) -> Asked {
        Asked::of(method, &uri.parse().unwrap())
    }

    #[test]
    fn only_what_would_change_the_cluster_is_a_mutation() {
        let table = [
            (Method::PATCH, "/api/v1/namespaces/argocd?fieldManager=x", true),
            (Method::DELETE, "/api/v1/namespaces/argocd", true),
            (Method::PATCH, "/api/v1/namespaces/argocd?dryRun=All&force=true", false),
            (Method::GET, "/api/v1/namespaces/argocd", false),
            (
                Method::POST,
                "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
                false,
            ),
        ];
        for (method, uri, expected) in table {
            assert_eq!(asked(&method, uri).is_mutation(), expected, "{uri}");
        }
    }

    #[test]
    fn a_watch_is_told_from_a_list() {
        assert!(asked(&Method::GET, "/api/v1/pods?watch=true&resourceVersion=0").is_watch());
        assert!(!asked(&Method::GET, "/api/v1/pods?limit=500").is_watch());
    }
}
