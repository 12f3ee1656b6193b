//! The sources, and the agent whose install is in one of them.

use super::super::shape::{Format, Kinds, Name, Record, Shape};
use super::{may, must};

pub(super) static SOURCE: Record = Record {
    title: "a source",
    fields: &[
        must(
            "git",
            Shape::Text(Format::Git),
            "The repository's address: `https://…`, `http://…`, `ssh://…` or `user@host:path`.",
        ),
        must(
            "revision",
            Shape::Text(Format::Any),
            "A branch or tag, which is followed; or a full commit hash, which pins.",
        ),
        may(
            "credentials",
            Shape::Text(Format::Name(Name::Secret)),
            "The secret that grants access to the repository.",
        ),
        may(
            "mirrors",
            Shape::List(&Shape::Text(Format::Git)),
            "Other addresses of the same repository, tried in order.",
        ),
    ],
    kinds: Kinds::None,
};

pub(super) static AGENT: Record = Record {
    title: "an agent",
    fields: &[],
    kinds: Kinds::Of(&[
        may("argocd", Shape::Record(&INSTALL), "Argo CD."),
        may(
            "flux",
            Shape::Record(&INSTALL),
            "Flux. Understood, and refused by a restore of this version.",
        ),
    ]),
};

pub(super) static INSTALL: Record = Record {
    title: "an agent's install",
    fields: &[
        must(
            "from",
            Shape::Record(&IN_SOURCE),
            "Where its manifests are: plain YAML, a kustomization or a Helm chart.",
        ),
        may(
            "namespace",
            Shape::Text(Format::Label),
            "Its namespace; `argocd` or `flux-system` unless given.",
        ),
        may(
            "digest",
            Shape::Text(Format::Digest),
            "The digest that the rendered install must have: `sha256:…`.",
        ),
        may(
            "values",
            Shape::List(&Shape::Text(Format::Path)),
            "Values files of a Helm chart, relative to the chart's folder, in order.",
        ),
        may(
            "release",
            Shape::Text(Format::Subdomain),
            "The release name of a Helm chart; the agent's kind unless given.",
        ),
    ],
    kinds: Kinds::None,
};

pub(super) static IN_SOURCE: Record = Record {
    title: "a place in a source",
    fields: &[
        must("source", Shape::Text(Format::Name(Name::Source)), "The source."),
        must(
            "path",
            Shape::Text(Format::Path),
            "The file or folder, relative to the repository's root; `.` is the root.",
        ),
    ],
    kinds: Kinds::None,
};
