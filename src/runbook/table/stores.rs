//! The places where secrets live.

use super::super::shape::{Format, Kinds, Name, Record, Shape};
use super::{may, must};

pub(super) static STORE: Record = Record {
    title: "a store",
    fields: &[may(
        "name",
        Shape::Text(Format::Label),
        "The name by which secrets refer to it; its kind unless given.",
    )],
    kinds: Kinds::Of(&[
        may("vault", Shape::Record(&VAULT), "Vault or OpenBao."),
        may(
            "aws",
            Shape::Record(&AWS),
            "AWS Secrets Manager. Understood, and refused by a restore of this version.",
        ),
        may(
            "sops",
            Shape::Record(&SOPS),
            "SOPS files in a source. Understood, and refused by a restore of this version.",
        ),
    ]),
};

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

pub(super) static AUTH: Record = Record {
    title: "a way to log in",
    fields: &[],
    kinds: Kinds::Of(&[
        may("token", Shape::Env { literal: false }, "With a token."),
        may("approle", Shape::Record(&APPROLE), "By AppRole."),
    ]),
};

pub(super) static APPROLE: Record = Record {
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

pub(super) static AWS: Record = Record {
    title: "AWS Secrets Manager",
    fields: &[must(
        "region",
        Shape::Text(Format::Label),
        "The region, such as `eu-west-1`.",
    )],
    kinds: Kinds::None,
};

pub(super) static SOPS: Record = Record {
    title: "SOPS files",
    fields: &[must(
        "source",
        Shape::Text(Format::Name(Name::Source)),
        "The source that holds the files.",
    )],
    kinds: Kinds::None,
};
