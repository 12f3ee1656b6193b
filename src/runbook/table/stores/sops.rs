//! Files that SOPS has encrypted.

use super::super::super::shape::{Format, Kinds, Name, Record, Shape};
use super::super::must;

pub(super) static SOPS: Record = Record {
    title: "SOPS files",
    fields: &[must(
        "source",
        Shape::Text(Format::Name(Name::Source)),
        "The source that holds the files.",
    )],
    kinds: Kinds::None,
};
