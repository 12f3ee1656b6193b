//! The runbook's structure: every key, what its value may be, and what it means.

use super::shape::{Field, Format, Kinds, Name, Record, Shape, Word};

/// The kinds of Argo CD's own secrets, as `as:` names them.
pub(super) const ARGOCD_SECRETS: &[Word] = &[
    word("argocd/repository", "A repository and the credentials to read it."),
    word(
        "argocd/repo-creds",
        "Credentials for all repositories whose address starts alike.",
    ),
    word(
        "argocd/repository-write",
        "A repository and the credentials to write to it.",
    ),
    word(
        "argocd/repo-write-creds",
        "Credentials to write to all repositories whose address starts alike.",
    ),
    word("argocd/scm-creds", "A token with which generators ask a Git host."),
    word("argocd/cluster", "A cluster that Argo CD drives."),
    word(
        "argocd/argocd-secret",
        "Argo CD's own: `server.secretkey`, accounts, webhooks.",
    ),
];

/// The health and sync words that an app may be allowed to stay in.
pub(super) const ALLOWED: &[Word] = &[
    word("Suspended", "Paused on purpose, such as a CronJob or a rollout."),
    word(
        "Progressing",
        "Never comes to rest, such as an Ingress without a load balancer.",
    ),
    word("Degraded", "Known to be broken."),
    word("Missing", "Not there, on purpose."),
    word("Unknown", "Its health cannot be told."),
    word("OutOfSync", "Differs from Git, on purpose."),
];

/// The whole runbook.
pub(super) static RUNBOOK: Record = Record {
    title: "a runbook",
    fields: &[
        must(
            "apiVersion",
            Shape::Word(&[word("gitops-dr/v1", "This format.")]),
            "The format's version.",
        ),
        must(
            "kind",
            Shape::Word(&[word("Runbook", "A runbook.")]),
            "What the file is.",
        ),
        must(
            "name",
            Shape::Text(Format::Label),
            "The runbook's name, in reports and history.",
        ),
        may("target", Shape::Record(&TARGET), "The cluster to restore onto."),
        must(
            "sources",
            table(&Shape::Record(&SOURCE)),
            "The Git repositories, by name. They are only read.",
        ),
        may(
            "stores",
            Shape::List(&Shape::Record(&STORE)),
            "Where secrets live. A store is named by its kind, or by `name` where there are two of one kind.",
        ),
        must(
            "agent",
            Shape::Record(&AGENT),
            "The GitOps agent that the platform runs on.",
        ),
        may(
            "secrets",
            table(&Shape::Record(&SECRET)),
            "What to restore from the stores, by name.",
        ),
        may(
            "clusters",
            table(&Shape::Record(&CLUSTER)),
            "The other clusters that the agent drives, by name.",
        ),
        must(
            "roots",
            Shape::NonEmpty(&Shape::Record(&ROOT)),
            "The apps or Kustomizations from which the rest follows, in order.",
        ),
        may(
            "steps",
            Shape::List(&Shape::Record(&STEP)),
            "What is to happen between the roots.",
        ),
        may(
            "apps",
            Shape::Table {
                key: Format::App,
                of: &Shape::Record(&APP),
            },
            "What is accepted of single apps, by name.",
        ),
        may(
            "done",
            Shape::Record(&DONE),
            "When the platform counts as recovered: that stops the recovery clock.",
        ),
    ],
    kinds: Kinds::None,
};

static TARGET: Record = Record {
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

static REPLACES: Record = Record {
    title: "the cluster that is replaced",
    fields: &[must(
        "server",
        Shape::Text(Format::Http),
        "Its API server. It must not answer, or be fenced by word, before anything is changed.",
    )],
    kinds: Kinds::None,
};

static SOURCE: Record = Record {
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

static STORE: Record = Record {
    title: "a store",
    fields: &[may(
        "name",
        Shape::Text(Format::Label),
        "The name by which secrets refer to it; its kind unless given.",
    )],
    kinds: Kinds::Of(&[
        may("vault", Shape::Record(&VAULT), "Vault or OpenBao."),
        may("aws", Shape::Record(&AWS), "AWS Secrets Manager."),
        may("sops", Shape::Record(&SOPS), "SOPS files in a source."),
    ]),
};

static VAULT: Record = Record {
    title: "a Vault server",
    fields: &[
        must("address", Shape::Text(Format::Http), "The server's address."),
        may("namespace", Shape::Text(Format::Any), "The namespace to work in."),
        may(
            "ca",
            Shape::Text(Format::Any),
            "A PEM file on this machine with the CA that signed the server's certificate.",
        ),
        must("auth", Shape::Record(&AUTH), "How to log in."),
    ],
    kinds: Kinds::None,
};

static AUTH: Record = Record {
    title: "a way to log in",
    fields: &[],
    kinds: Kinds::Of(&[
        may("token", Shape::Env { literal: false }, "With a token."),
        may("approle", Shape::Record(&APPROLE), "By AppRole."),
    ]),
};

static APPROLE: Record = Record {
    title: "an AppRole",
    fields: &[
        may(
            "mount",
            Shape::Text(Format::Any),
            "Where the method is mounted; `approle` unless given.",
        ),
        must(
            "role-id",
            Shape::Env { literal: true },
            "The role's id. It is no secret.",
        ),
        must("secret-id", Shape::Env { literal: false }, "The secret's id."),
    ],
    kinds: Kinds::None,
};

static AWS: Record = Record {
    title: "AWS Secrets Manager",
    fields: &[must(
        "region",
        Shape::Text(Format::Label),
        "The region, such as `eu-west-1`.",
    )],
    kinds: Kinds::None,
};

static SOPS: Record = Record {
    title: "SOPS files",
    fields: &[must(
        "source",
        Shape::Text(Format::Name(Name::Source)),
        "The source that holds the files.",
    )],
    kinds: Kinds::None,
};

static AGENT: Record = Record {
    title: "an agent",
    fields: &[],
    kinds: Kinds::Of(&[
        may("argocd", Shape::Record(&INSTALL), "Argo CD."),
        may("flux", Shape::Record(&INSTALL), "Flux."),
    ]),
};

static INSTALL: Record = Record {
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

static IN_SOURCE: Record = Record {
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

static SECRET: Record = Record {
    title: "a secret",
    fields: &[
        must(
            "as",
            Shape::WordOrRecord(ARGOCD_SECRETS, &KUBERNETES_SECRET),
            "What it becomes in the cluster.",
        ),
        must(
            "from",
            Shape::OneOrMany(&Shape::Record(&FROM)),
            "Where it is read, in order; the first that has it is taken.",
        ),
        may(
            "set",
            Shape::Table {
                key: Format::Any,
                of: &Shape::Scalar,
            },
            "Values that are no secret and are put over what the store holds.",
        ),
        may("optional", Shape::Flag, "Whether a recovery goes on without it."),
    ],
    kinds: Kinds::None,
};

static KUBERNETES_SECRET: Record = Record {
    title: "a Secret",
    fields: &[
        must("namespace", Shape::Text(Format::Label), "Its namespace."),
        must("type", Shape::Text(Format::Any), "Its type, such as `Opaque`."),
        may(
            "name",
            Shape::Text(Format::Subdomain),
            "Its name; the runbook's name for it unless given.",
        ),
        may("labels", words(), "Its labels."),
        may("annotations", words(), "Its annotations."),
    ],
    kinds: Kinds::None,
};

static FROM: Record = Record {
    title: "where a secret is read",
    fields: &[
        may("version", Shape::Whole(1, u64::MAX), "The version, if it is pinned."),
        may(
            "keys",
            Shape::Table {
                key: Format::Any,
                of: &Shape::Text(Format::Any),
            },
            "Other names of keys: the key in the cluster, and behind it the key in the store.",
        ),
    ],
    kinds: Kinds::Named {
        whose: Name::Store,
        of: &Shape::Text(Format::Any),
    },
};

static CLUSTER: Record = Record {
    title: "a cluster",
    fields: &[
        must(
            "state",
            Shape::Word(&[
                word("survives", "It lives on, and is connected last, after an approval."),
                word("rebuilt", "It was built anew, and is registered anew."),
                word("absent", "It is not there."),
            ]),
            "What became of it.",
        ),
        may("secret", Shape::Text(Format::Name(Name::Secret)), "Its cluster secret."),
    ],
    kinds: Kinds::None,
};

static ROOT: Record = Record {
    title: "a root",
    fields: &[
        must("id", Shape::Text(Format::Label), "Its name in the runbook."),
        must(
            "source",
            Shape::Text(Format::Name(Name::Source)),
            "The source that holds it.",
        ),
        must("path", Shape::Text(Format::Path), "The file or folder that holds it."),
    ],
    kinds: Kinds::None,
};

static STEP: Record = Record {
    title: "a step",
    fields: &[
        must("id", Shape::Text(Format::Label), "Its name in the runbook."),
        may(
            "after",
            Shape::Text(Format::Name(Name::Step)),
            "The root or step after which it comes.",
        ),
        may(
            "before",
            Shape::Text(Format::Name(Name::Step)),
            "The root or step before which it comes.",
        ),
    ],
    kinds: Kinds::Of(&[
        may("check", Shape::Record(&CHECK), "Waits for something to be so."),
        may("approve", Shape::Record(&APPROVE), "Asks a person."),
        may("run", Shape::Record(&RUN), "Runs a program."),
        may("apply", Shape::Record(&IN_SOURCE), "Applies manifests."),
    ]),
};

static CHECK: Record = Record {
    title: "a check",
    fields: &[],
    kinds: Kinds::Of(&[
        may("http", Shape::Record(&HTTP), "An address answers."),
        may(
            "condition",
            Shape::Record(&CONDITION),
            "An object has a condition or phase.",
        ),
    ]),
};

static HTTP: Record = Record {
    title: "an HTTP check",
    fields: &[
        must("url", Shape::Text(Format::Http), "The address."),
        may(
            "status",
            Shape::Whole(100, 599),
            "The status it answers with; 200 unless given.",
        ),
    ],
    kinds: Kinds::None,
};

static CONDITION: Record = Record {
    title: "a condition",
    fields: &[
        must(
            "kind",
            Shape::Text(Format::Kind),
            "The object's kind; `Kind.group` where more than one kind bears the name.",
        ),
        may(
            "namespace",
            Shape::Text(Format::Label),
            "Its namespace; left out for what has none.",
        ),
        must("name", Shape::Text(Format::Subdomain), "Its name."),
        must(
            "is",
            Shape::Text(Format::Any),
            "The condition type that is `True`, or the phase.",
        ),
    ],
    kinds: Kinds::None,
};

static APPROVE: Record = Record {
    title: "an approval",
    fields: &[must("prompt", Shape::Text(Format::Any), "What the person is asked.")],
    kinds: Kinds::None,
};

static RUN: Record = Record {
    title: "a program to run",
    fields: &[must(
        "command",
        Shape::NonEmpty(&Shape::Text(Format::Any)),
        "The program and its arguments.",
    )],
    kinds: Kinds::None,
};

static APP: Record = Record {
    title: "what is accepted of an app",
    fields: &[
        may(
            "allow",
            Shape::NonEmpty(&Shape::Word(ALLOWED)),
            "Words that count as ready.",
        ),
        may("ignore", Shape::Flag, "Whether it is left out altogether."),
        must("reason", Shape::Text(Format::Any), "Why. It is shown in the report."),
    ],
    kinds: Kinds::None,
};

static DONE: Record = Record {
    title: "when the platform counts as recovered",
    fields: &[
        may(
            "critical",
            Shape::List(&Shape::Text(Format::App)),
            "The apps that must be ready; all of them unless given.",
        ),
        may("checks", Shape::List(&Shape::Record(&CHECK)), "What must be so."),
    ],
    kinds: Kinds::None,
};

const fn must(name: &'static str, shape: Shape, doc: &'static str) -> Field {
    Field {
        name,
        shape,
        required: true,
        doc,
    }
}

const fn may(name: &'static str, shape: Shape, doc: &'static str) -> Field {
    Field {
        name,
        shape,
        required: false,
        doc,
    }
}

const fn word(word: &'static str, doc: &'static str) -> Word {
    Word { word, doc }
}

/// Things by names that the user gives.
const fn table(of: &'static Shape) -> Shape {
    Shape::Table { key: Format::Label, of }
}

/// Labels or annotations.
const fn words() -> Shape {
    Shape::Table {
        key: Format::Any,
        of: &Shape::Scalar,
    }
}
