//! The kinds of store.

use super::super::super::shape::{Format, Kinds, Record, Shape};
use super::super::may;
use super::aws::AWS;
use super::env::ENV;
use super::exec::EXEC;
use super::files::FILES;
use super::kubernetes::KUBERNETES;
use super::sops::SOPS;
use super::vault::VAULT;

pub(in super::super::super) static STORE: Record = Record {
    title: "a store",
    fields: &[may(
        "name",
        Shape::Text(Format::Label),
        "The name by which secrets refer to it; its kind unless given.",
    )],
    kinds: Kinds::Of(&[
        may("vault", Shape::Record(&VAULT), "Vault or OpenBao."),
        may("aws", Shape::Record(&AWS), "AWS Secrets Manager."),
        may("sops", Shape::Record(&SOPS), "Files that SOPS has encrypted."),
        may("files", Shape::Record(&FILES), "Files on this machine."),
        may("env", Shape::Record(&ENV), "Variables of the environment."),
        may(
            "exec",
            Shape::Record(&EXEC),
            "A program that prints secrets: the way to every other store.",
        ),
        may(
            "kubernetes",
            Shape::Record(&KUBERNETES),
            "Secrets of a cluster that lives on.",
        ),
    ]),
};
