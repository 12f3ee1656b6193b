//! AWS Secrets Manager.

use super::super::super::shape::{Format, Kinds, Record, Shape};
use super::super::must;

pub(super) static AWS: Record = Record {
    title: "AWS Secrets Manager",
    fields: &[must(
        "region",
        Shape::Text(Format::Label),
        "The region, such as `eu-west-1`.",
    )],
    kinds: Kinds::None,
};
