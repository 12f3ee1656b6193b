//! Why one thing waits for another.

use std::fmt;

use serde::Serialize;

/// Why something waits for something else. Its words stand between the two: "Deployment shop/cart *reads* Secret shop/db".
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case", tag = "rule", content = "what")]
pub enum Reason {
    /// It is well only after it is there.
    Grows,
    /// An object comes with its app.
    PartOf,
    /// An app is well when its objects are.
    Contains,
    /// An object goes into its namespace.
    Namespace,
    /// A custom resource is of the kind that a CRD defines.
    Definition,
    /// The group of an object is served by an API service.
    Api,
    /// A custom resource is acted on by what the app of its CRD runs.
    Operator,
    /// A webhook is asked before an object is written, and what it does not answer is refused.
    Admission,
    /// A webhook or an API service answers through a Service.
    Answers,
    /// Behind a Service are pods.
    Backs,
    /// A pod, a claim, an Ingress or a Gateway is of a class.
    Class(String),
    /// Pods read an object, in this field.
    Reads(String),
    /// Pods run as a service account.
    RunsAs,
    /// A binding gives a role.
    Role,
    /// A binding names a service account.
    Subject,
    /// Something makes an object, such as a Certificate its Secret.
    Makes,
    /// Something takes what it makes from another object, such as an `ExternalSecret` from its store.
    From(String),
    /// An object is another's, by `ownerReferences`.
    Owner,
    /// A sync of its app reaches it in a later phase: `PreSync`, `Sync`, `PostSync`.
    Phase(String),
    /// A sync of its app reaches it in a later wave.
    Wave(i32),
    /// Within a wave the kind of an object comes later.
    KindOrder,
    /// An app deploys to a cluster that a Secret registers.
    Destination,
    /// An app belongs to a project.
    Project,
    /// An app is read from a repository that a Secret opens.
    Credential,
    /// It names it itself in `dependsOn`.
    DependsOn,
    /// It is read from a source object.
    Source,
    /// The runbook puts it after.
    Runbook,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grows => f.write_str("is well only when there is"),
            Self::PartOf => f.write_str("comes with"),
            Self::Contains => f.write_str("is well only with"),
            Self::Namespace => f.write_str("is in"),
            Self::Definition => f.write_str("is of the kind of"),
            Self::Api => f.write_str("is served by"),
            Self::Operator => f.write_str("is acted on by"),
            Self::Admission => f.write_str("is admitted by"),
            Self::Answers => f.write_str("answers through"),
            Self::Backs => f.write_str("runs on"),
            Self::Class(field) => write!(f, "is of the class ({field})"),
            Self::Reads(field) => write!(f, "reads ({field})"),
            Self::RunsAs => f.write_str("runs as"),
            Self::Role => f.write_str("gives"),
            Self::Subject => f.write_str("is for"),
            Self::Makes => f.write_str("is made by"),
            Self::From(field) => write!(f, "is taken from ({field})"),
            Self::Owner => f.write_str("is owned by"),
            Self::Phase(phase) => write!(f, "is in the phase {phase}, after"),
            Self::Wave(wave) => write!(f, "is in wave {wave}, after"),
            Self::KindOrder => f.write_str("is of a kind that is applied after"),
            Self::Destination => f.write_str("deploys to the cluster of"),
            Self::Project => f.write_str("belongs to"),
            Self::Credential => f.write_str("is read with"),
            Self::DependsOn => f.write_str("depends on"),
            Self::Source => f.write_str("is read from"),
            Self::Runbook => f.write_str("comes in the runbook after"),
        }
    }
}

impl Reason {
    /// Whether it says only what belongs to what, and nothing about what comes first between two apps.
    pub fn is_structure(&self) -> bool {
        matches!(self, Self::Grows | Self::PartOf | Self::Contains)
    }

    /// Whether it is the order in which a sync goes through its app.
    pub fn is_sync_order(&self) -> bool {
        matches!(self, Self::Phase(_) | Self::Wave(_) | Self::KindOrder)
    }
}
