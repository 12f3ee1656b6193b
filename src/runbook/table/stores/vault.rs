//! Vault and OpenBao.

use super::super::super::shape::{Field, Format, Kinds, Record, Shape, Word};
use super::super::{may, must, word};

pub(super) static VAULT: Record = Record {
    title: "a Vault server",
    fields: &[
        must("address", Shape::Text(Format::Http), "The server's address."),
        may("namespace", Shape::Text(Format::Any), "The namespace to work in."),
        may(
            "ca",
            Shape::Text(Format::Any),
            "A PEM file on this machine with the CA that signed the server's certificate.",
        ),
        must("auth", Shape::WordOrRecord(NO_LOGIN, &AUTH), "How to log in."),
    ],
    kinds: Kinds::None,
};

static NO_LOGIN: &[Word] = &[word(
    "agent",
    "Not at all: a Vault Agent or proxy at the address logs in by itself, and no token is sent.",
)];

static AUTH: Record = Record {
    title: "a way to log in",
    fields: &[may(
        "wrapped",
        Shape::Flag,
        "Whether `token` is a wrapping token, which opens once and holds the token.",
    )],
    kinds: Kinds::Of(&[
        may("token", Shape::Env { literal: false }, "With a token."),
        may("approle", Shape::Record(&APPROLE), "By AppRole."),
        may(
            "kubernetes",
            Shape::Record(&KUBERNETES),
            "With the token of a ServiceAccount of a cluster that lives. What is bound to the cluster that is lost opens nothing.",
        ),
        may(
            "jwt",
            Shape::Record(&JWT),
            "With a token that somebody else has signed, such as that of a CI job.",
        ),
        may(
            "userpass",
            Shape::Record(&USERPASS),
            "With a user and a password that the server keeps.",
        ),
        may("cert", Shape::Record(&CERTIFICATE), "With a client certificate."),
    ]),
};

static KUBERNETES: Record = Record {
    title: "a ServiceAccount",
    fields: &[
        mount("Where the method is mounted; `kubernetes` unless given."),
        must("role", Shape::Text(Format::Any), "The role."),
        may(
            "jwt",
            Shape::EnvOrFile,
            "The account's token; unless given that of the pod that this runs in, which is read at each login.",
        ),
    ],
    kinds: Kinds::None,
};

static JWT: Record = Record {
    title: "a signed token",
    fields: &[
        mount("Where the method is mounted; `jwt` unless given."),
        may(
            "role",
            Shape::Text(Format::Any),
            "The role; the method's default role unless given.",
        ),
        must("jwt", Shape::EnvOrFile, "The token; a file is read at each login."),
    ],
    kinds: Kinds::None,
};

static USERPASS: Record = Record {
    title: "a user",
    fields: &[
        mount("Where the method is mounted; `userpass` unless given."),
        must("username", Shape::Text(Format::Any), "The user."),
        must("password", Shape::Env { literal: false }, "The user's password."),
    ],
    kinds: Kinds::None,
};

static CERTIFICATE: Record = Record {
    title: "a client certificate",
    fields: &[
        mount("Where the method is mounted; `cert` unless given."),
        may(
            "name",
            Shape::Text(Format::Any),
            "The role; whichever fits unless given.",
        ),
        must(
            "certificate",
            Shape::Text(Format::Any),
            "A PEM file on this machine with the certificate, and those between it and its CA.",
        ),
        must(
            "key",
            Shape::Text(Format::Any),
            "A PEM file on this machine with its private key, without a passphrase.",
        ),
    ],
    kinds: Kinds::None,
};

/// Where a method is mounted.
const fn mount(doc: &'static str) -> Field {
    may("mount", Shape::Text(Format::Any), doc)
}

static APPROLE: Record = Record {
    title: "an AppRole",
    fields: &[
        mount("Where the method is mounted; `approle` unless given."),
        must(
            "role-id",
            Shape::Env { literal: true },
            "The role's id. It is no secret.",
        ),
        must("secret-id", Shape::Env { literal: false }, "The secret's id."),
        may(
            "wrapped",
            Shape::Flag,
            "Whether `secret-id` is a wrapping token, which opens once and holds the secret's id.",
        ),
    ],
    kinds: Kinds::None,
};
