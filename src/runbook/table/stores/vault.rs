//! Vault and OpenBao.

use super::super::super::shape::{Format, Kinds, Record, Shape};
use super::super::{may, must};

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
        may(
            "wrapped",
            Shape::Flag,
            "Whether `secret-id` is a wrapping token, which opens once and holds the secret's id.",
        ),
    ],
    kinds: Kinds::None,
};
