//! The secrets, and the clusters that they open.

use super::super::shape::{Format, Kinds, Name, Record, Shape, Word};
use super::{may, must, word, words};

/// The type of a set of keys.
pub(in super::super) const SEALED_KEYS: &str = "sealed-secrets/keys";

/// The kinds of Argo CD's own secrets and settings, as `as:` names them.
pub(in super::super) const ARGOCD_SECRETS: &[Word] = &[
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
    word(
        "argocd/ssh-known-hosts",
        "The SSH servers that Argo CD trusts: the ConfigMap `argocd-ssh-known-hosts-cm`, whose key is `ssh_known_hosts`.",
    ),
    word(
        "argocd/tls-certs",
        "The certificates that Argo CD trusts: the ConfigMap `argocd-tls-certs-cm`, whose keys are names of servers.",
    ),
    word(
        "argocd/gpg-keys",
        "Who may sign commits: the ConfigMap `argocd-gpg-keys-cm`, whose keys are the IDs of the public keys.",
    ),
];

pub(super) static SECRET: Record = Record {
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

pub(super) static KUBERNETES_SECRET: Record = Record {
    title: "a Secret",
    fields: &[
        must("namespace", Shape::Text(Format::Label), "Its namespace."),
        must(
            "type",
            Shape::Text(Format::Any),
            "Its type, such as `Opaque`. `sealed-secrets/keys` are the keys of Sealed Secrets: each pair `NAME.tls.crt` and \
             `NAME.tls.key` of the store becomes a Secret NAME that the controller loads.",
        ),
        may(
            "name",
            Shape::Text(Format::Subdomain),
            "Its name; the runbook's name for it unless given.",
        ),
        may("labels", words(), "Its labels."),
        may("annotations", words(), "Its annotations."),
        may(
            "immutable",
            Shape::Flag,
            "Whether nobody may change its values any more.",
        ),
    ],
    kinds: Kinds::None,
};

pub(super) static FROM: Record = Record {
    title: "where a secret is read",
    fields: &[
        may(
            "version",
            Shape::Scalar,
            "The version, if it is pinned: a number in Vault, in AWS a version's id or a stage such as `AWSPREVIOUS`.",
        ),
        may(
            "keys",
            Shape::Table {
                key: Format::Any,
                of: &Shape::TextOrRecord(Format::Any, &TAKEN),
            },
            "The keys in the cluster, and behind each the key in the store or how its value is made of it. Without it all \
             keys are taken as they are.",
        ),
    ],
    kinds: Kinds::Named {
        whose: Name::Store,
        of: &Shape::Text(Format::Any),
    },
};

pub(super) static CAPTURE: Record = Record {
    title: "where the manifest of captures is",
    fields: &[],
    kinds: Kinds::Named {
        whose: Name::Store,
        of: &Shape::Text(Format::Any),
    },
};

pub(super) static TAKEN: Record = Record {
    title: "how a value is made",
    fields: &[
        may(
            "field",
            Shape::Text(Format::Any),
            "The value is JSON, and this is where in it (a JSON pointer, such as `/data/password`).",
        ),
        may(
            "base64",
            Shape::Flag,
            "Whether the value is base64, and what it stands for is wanted.",
        ),
    ],
    kinds: Kinds::Of(&[
        may("key", Shape::Text(Format::Any), "The key in the store."),
        may(
            "template",
            Shape::Text(Format::Any),
            "Text with keys of the store in braces, such as `{user}:{password}`; `{{` and `}}` are braces themselves.",
        ),
    ]),
};

pub(super) static CLUSTER: Record = Record {
    title: "a cluster",
    fields: &[
        must(
            "state",
            Shape::Word(&[
                word(
                    "survives",
                    "It lives on. It is connected last, and only after a person has seen what would be deleted or changed there.",
                ),
                word(
                    "rebuilt",
                    "It was built anew, and is registered anew: ServiceAccount, rights, token, CA and address.",
                ),
                word(
                    "absent",
                    "It is not there: it is not connected, and its apps are not waited for.",
                ),
            ]),
            "What became of it.",
        ),
        may(
            "secret",
            Shape::Text(Format::Name(Name::Secret)),
            "Its stored cluster secret. Of a rebuilt cluster only what still holds is taken from it: name, namespaces, project.",
        ),
        may(
            "context",
            Shape::Text(Format::Any),
            "The context of the kubeconfig that leads to a rebuilt cluster as its administrator.",
        ),
        may(
            "server",
            Shape::Text(Format::Http),
            "The address at which the agent reaches a rebuilt cluster; that of the kubeconfig unless given.",
        ),
        may(
            "expect",
            Shape::Word(&[
                word("empty", "Nothing of ours. The default."),
                word("adopt", "It is taken as it is."),
            ]),
            "What must be found on a rebuilt cluster.",
        ),
        may(
            "labels",
            words(),
            "Labels of its cluster secret, by which ApplicationSets choose.",
        ),
        may("annotations", words(), "Annotations of its cluster secret."),
    ],
    kinds: Kinds::None,
};
