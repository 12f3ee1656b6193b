//! Secrets of a cluster that lives on.

use super::super::super::shape::{Format, Kinds, Record, Shape};
use super::super::{may, must};

pub(super) static KUBERNETES: Record = Record {
    title: "a cluster that lives on",
    fields: &[
        must(
            "context",
            Shape::Text(Format::Any),
            "The context of the kubeconfig that leads there. Never that of the target.",
        ),
        may(
            "kubeconfig",
            Shape::Text(Format::Any),
            "The kubeconfig on this machine; that of KUBECONFIG or `~/.kube/config` unless given.",
        ),
        may(
            "namespace",
            Shape::Text(Format::Label),
            "The namespace of paths that name none; that of the context unless given.",
        ),
    ],
    kinds: Kinds::None,
};
