//! The table of rules.

use super::super::draft::Draft;
use super::super::whole::Whole;
use super::{
    admission, api, class, definition, external, follow, made, namespace, owner, pods, role, runbook, service,
    structure,
};

/// A rule by which some objects wait for others.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// What it is about, in a word or two.
    pub name: &'static str,
    /// Where it is written that it is so: the file upstream, or what was observed.
    pub source: &'static str,
    /// Draws what it knows.
    pub draw: for<'p> fn(&Whole<'p>, &mut Draft<'p>),
}

/// What holds with every agent.
pub(in crate::graph) const ROWS: &[Row] = &[
    Row {
        name: "apps and their objects",
        source: "an app is well when its objects are",
        draw: structure::draw,
    },
    Row {
        name: "namespaces",
        source: "kubernetes plugin/pkg/admission/namespace/lifecycle/admission.go",
        draw: namespace::draw,
    },
    Row {
        name: "custom resources",
        source: "apiextensions-apiserver pkg/apiserver/customresource_handler.go: 404 until Established",
        draw: definition::draw,
    },
    Row {
        name: "operators",
        source: "observed: a custom resource stays as it is until its operator runs",
        draw: definition::draw_operators,
    },
    Row {
        name: "API services",
        source: "kube-aggregator pkg/controllers/status/remote/remote_available_controller.go",
        draw: api::draw,
    },
    Row {
        name: "webhooks",
        source: "apiserver pkg/admission/plugin/webhook/generic/webhook.go; failurePolicy Fail",
        draw: admission::draw,
    },
    Row {
        name: "services",
        source: "kubernetes pkg/controller/endpointslice: a Service has the ready pods of its selector",
        draw: service::draw,
    },
    Row {
        name: "classes",
        source: "kubernetes plugin/pkg/admission/{storage,network,priority,runtimeclass}",
        draw: class::draw,
    },
    Row {
        name: "what pods read",
        source: "kubernetes pkg/kubelet: a container is not started without what it reads, unless `optional`",
        draw: pods::draw,
    },
    Row {
        name: "roles",
        source: "kubernetes pkg/registry/rbac/{rolebinding,clusterrolebinding}/policybased: a binding needs its role",
        draw: role::draw,
    },
    Row {
        name: "what is made of what",
        source: "cert-manager and sealed-secrets: their controllers",
        draw: made::draw,
    },
    Row {
        name: "external secrets",
        source: "external-secrets apis/externalsecrets/v1; resolvers/secret_ref.go: whose namespace a store reads in",
        draw: external::draw,
    },
    Row {
        name: "owners",
        source: "kubernetes pkg/controller/garbagecollector: what has no owner any more is removed",
        draw: owner::draw,
    },
    Row {
        name: "the runbook",
        source: "`after` and `before` of its steps and roots",
        draw: runbook::draw,
    },
];

/// What orders a set that we apply ourselves: the rules about what an object needs in order to be there, and some good order
/// besides. What is not in the set is taken to be there.
pub(in crate::graph) const SET_ROWS: &[Row] = &[
    Row {
        name: "namespaces",
        source: ROWS[1].source,
        draw: namespace::draw,
    },
    Row {
        name: "custom resources",
        source: ROWS[2].source,
        draw: definition::draw,
    },
    Row {
        name: "API services",
        source: ROWS[4].source,
        draw: api::draw,
    },
    Row {
        name: "roles",
        source: ROWS[9].source,
        draw: role::draw,
    },
    Row {
        name: "a good order",
        source: "kapp pkg/kapp/config/default.go: what pods read and classes before them, webhooks last",
        draw: follow::draw,
    },
];
