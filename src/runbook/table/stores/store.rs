//! The kinds of store.

use super::super::super::shape::{Format, Kinds, Record, Shape};
use super::super::may;
use super::aws::AWS;
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
    ]),
};
