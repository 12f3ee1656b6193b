//! All secrets, looked at together.

use std::collections::BTreeMap;

use super::{Data, Shape, text};
use crate::finding::Finding;
use crate::platform::argocd::{IN_CLUSTER, address};

/// Checks what secrets say together: clusters with one name or one server, repositories that are there twice.
///
/// Each entry is a secret's name, its type and its data.
pub fn check_together(secrets: &[(&str, &str, &Data)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let of = |wanted: &'static [Shape]| {
        secrets.iter().filter_map(move |(name, shape, data)| {
            Some((*name, Shape::of(shape).filter(|shape| wanted.contains(shape))?, *data))
        })
    };

    let names =
        groups(of(&[Shape::Cluster]).filter_map(|(name, _, data)| Some((text(data, "name")?.to_owned(), name))));
    for (cluster, secrets) in names {
        findings.push(
            Finding::error(
                "secret/duplicate-cluster-name",
                format!(
                    "secrets {} name a cluster alike: Applications with `destination.name: {cluster}` fail",
                    list(&secrets)
                ),
            )
            .help("give each cluster a name of its own"),
        );
    }

    let servers = groups(
        of(&[Shape::Cluster])
            .filter_map(|(name, _, data)| Some((text(data, "server")?.trim_end_matches('/').to_owned(), name))),
    );
    for (server, secrets) in servers {
        let what = if server == IN_CLUSTER {
            "the cluster that Argo CD runs in"
        } else {
            "one cluster"
        };
        findings.push(
            Finding::error(
                "secret/duplicate-cluster-server",
                format!(
                    "secrets {} are about {what}, `{server}`: Argo CD takes any of them",
                    list(&secrets)
                ),
            )
            .help("keep one"),
        );
    }

    for (name, _, data) in of(&[Shape::Cluster]) {
        let own_name = text(data, "name") == Some("in-cluster");
        let own_server = text(data, "server").is_some_and(|server| server.trim_end_matches('/') == IN_CLUSTER);
        if own_name && !own_server {
            findings.push(
                Finding::warning(
                    "secret/in-cluster-name",
                    format!("secret `{name}`: `in-cluster` is Argo CD's word for the cluster it runs in, but `server` is another one"),
                )
                .help(format!("rename it, or make `server` `{IN_CLUSTER}`")),
            );
        }
    }

    for shapes in [
        &[Shape::Repository][..],
        &[Shape::RepositoryWrite],
        &[Shape::RepoCreds],
        &[Shape::RepoWriteCreds],
    ] {
        let all = secrets.iter().filter_map(|(name, shape, data)| {
            Some((*name, Shape::of(shape).filter(|shape| shapes.contains(shape))?, *data))
        });
        let urls = groups(all.filter_map(|(name, shape, data)| {
            let project = if shape.key("project").is_some() {
                text(data, "project").unwrap_or_default()
            } else {
                ""
            };
            Some((format!("{} {project}", address::normal(text(data, "url")?)), name))
        }));
        for (_, secrets) in urls {
            findings.push(
                Finding::error(
                    "secret/duplicate-repository",
                    format!(
                        "secrets {} are for one repository and project: Argo CD takes any of them",
                        list(&secrets)
                    ),
                )
                .help("keep one, or give them different projects"),
            );
        }
    }
    findings
}

/// Returns what more than one secret says, with the names of those secrets.
fn groups<'name>(said: impl Iterator<Item = (String, &'name str)>) -> BTreeMap<String, Vec<&'name str>> {
    let mut groups: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (what, name) in said {
        groups.entry(what).or_default().push(name);
    }
    groups.retain(|_, names| names.len() > 1);
    groups
}

fn list(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Secret;

    fn data(pairs: &[(&str, &str)]) -> Data {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), Secret::from(*value)))
            .collect()
    }

    fn rules(secrets: &[(&str, &str, Data)]) -> Vec<&'static str> {
        let secrets: Vec<_> = secrets
            .iter()
            .map(|(name, shape, data)| (*name, *shape, data))
            .collect();
        check_together(&secrets)
            .into_iter()
            .map(|finding| finding.rule)
            .collect()
    }

    #[test]
    fn two_clusters_of_one_name_are_found() {
        let a = data(&[("name", "edge"), ("server", "https://a")]);
        let b = data(&[("name", "edge"), ("server", "https://b")]);
        assert_eq!(
            rules(&[("a", "cluster", a), ("b", "cluster", b)]),
            ["secret/duplicate-cluster-name"]
        );
    }

    #[test]
    fn two_secrets_for_one_server_are_found_whatever_the_slash() {
        let a = data(&[("name", "a"), ("server", "https://kubernetes.default.svc")]);
        let b = data(&[("name", "b"), ("server", "https://kubernetes.default.svc/")]);
        assert_eq!(
            rules(&[("a", "cluster", a), ("b", "argocd/cluster", b)]),
            ["secret/duplicate-cluster-server"]
        );
    }

    #[test]
    fn in_cluster_elsewhere_is_found() {
        let a = data(&[("name", "in-cluster"), ("server", "https://10.0.0.7")]);
        assert_eq!(rules(&[("a", "cluster", a)]), ["secret/in-cluster-name"]);
    }

    #[test]
    fn a_repository_twice_is_found_however_its_address_is_written() {
        let a = data(&[("url", "git@h:a/b.git")]);
        let b = data(&[("url", "ssh://git@h/A/b")]);
        assert_eq!(
            rules(&[("a", "repository", a), ("b", "repository", b)]),
            ["secret/duplicate-repository"]
        );
    }

    #[test]
    fn one_repository_for_two_projects_or_purposes_is_fine() {
        let of = |project| data(&[("url", "https://h/a"), ("project", project)]);
        let secrets = [
            ("a", "repository", of("one")),
            ("b", "repository", of("two")),
            ("c", "repository-write", of("one")),
            ("d", "repo-creds", data(&[("url", "https://h/a")])),
        ];
        assert_eq!(rules(&secrets), [""; 0]);
    }
}
