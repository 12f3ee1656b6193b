//! The cluster to restore onto.

use super::super::shape::{Format, Kinds, Record, Shape};
use super::{may, must, word};

pub(super) static TARGET: Record = Record {
    title: "the target",
    fields: &[
        may(
            "context",
            Shape::Text(Format::Any),
            "The context of the kubeconfig. Without it the context is named on the command line.",
        ),
        may(
            "expect",
            Shape::Word(&[
                word(
                    "empty",
                    "Nothing of ours: no agent, no bound volumes, no foreign workloads. The default.",
                ),
                word("adopt", "A platform that is taken over as it is."),
            ]),
            "What must be found on the cluster; else nothing is changed.",
        ),
        may(
            "namespaces",
            Shape::List(&Shape::Text(Format::Label)),
            "Namespaces in which workloads of others are expected on a cluster that is else empty.",
        ),
        may(
            "never",
            Shape::List(&Shape::Text(Format::Cluster)),
            "Clusters that must never be restored onto: the UID of the namespace kube-system, or the API server's address.",
        ),
        may(
            "replaces",
            Shape::Record(&REPLACES),
            "The cluster that this one takes the place of.",
        ),
        may(
            "rto",
            Shape::Text(Format::Duration),
            "The recovery time objective, such as `30m`.",
        ),
    ],
    kinds: Kinds::None,
};

pub(super) static REPLACES: Record = Record {
    title: "the cluster that is replaced",
    fields: &[must(
        "server",
        Shape::Text(Format::Http),
        "Its API server. A restore is refused while it answers, and while nobody says how it was fenced.",
    )],
    kinds: Kinds::None,
};
