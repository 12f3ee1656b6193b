//! `cluster`.

use super::cluster_config;
use super::key::{Form, Key};
use super::{Data, has, text};
use crate::platform::argocd::IN_CLUSTER;
use crate::platform::secret::Report;

/// The keys of `cluster`.
pub(super) const KEYS: &[Key] = &[
    Key::public("name", Form::Text),
    Key::public("server", Form::Text),
    Key::secret("config", Form::Text),
    Key::public("namespaces", Form::Text),
    Key::public("clusterResources", Form::Text),
    Key::public("shard", Form::Text),
    Key::public("project", Form::Text),
];

/// Checks what keys say together.
pub(super) fn check(data: &Data, report: &mut Report<'_>) {
    check_server(data, report);
    if !has(data, "name") {
        report
            .warning(
                "secret/cluster-name",
                "`name` is missing: no Application can name this cluster in `destination.name`",
            )
            .help("add `name`");
    }
    // Argo CD only logs a malformed shard and puts the cluster into another one.
    if data.contains_key("shard") && text(data, "shard").is_none_or(|shard| shard.parse::<i64>().is_err()) {
        report
            .error(
                "secret/malformed",
                "`shard` is not a whole number, and Argo CD then ignores it",
            )
            .help("write digits only, or leave the key out");
    }
    check_namespaces(data, report);
    cluster_config::check(data, report);
}

fn check_server(data: &Data, report: &mut Report<'_>) {
    let Some(server) = text(data, "server") else {
        report
            .error(
                "secret/cluster-server",
                "`server` is missing: Argo CD cannot tell where the cluster is",
            )
            .help("add `server`, such as `https://10.0.0.7:6443`");
        return;
    };
    if server.trim() != server {
        report
            .error("secret/cluster-server", "`server` has white space around it")
            .help("take it away; a newline at the end most likely");
    } else if !server.starts_with("https://") && !server.starts_with("http://") {
        report
            .error("secret/cluster-server", "`server` is not an address of HTTPS")
            .help("write it with its scheme, such as `https://10.0.0.7:6443`");
    }
    if server.trim_end_matches('/') != IN_CLUSTER && server.contains("kubernetes.default") {
        report
            .warning(
                "secret/cluster-server",
                format!("`server` names the cluster's own API server, but not as `{IN_CLUSTER}`"),
            )
            .help("Argo CD treats only that very address as its own cluster");
    }
}

fn check_namespaces(data: &Data, report: &mut Report<'_>) {
    if data.contains_key("clusterResources")
        && !text(data, "clusterResources").is_some_and(|value| matches!(value, "true" | "false"))
    {
        report
            .error(
                "secret/malformed",
                "`clusterResources` is neither `true` nor `false`, and Argo CD reads that as false",
            )
            .help("write `true` or `false`");
    }
    if has(data, "clusterResources") && !has(data, "namespaces") {
        report
            .warning(
                "secret/cluster-resources",
                "`clusterResources` has no effect without `namespaces`",
            )
            .help("leave it out: a cluster without `namespaces` is managed as a whole");
    }
}
