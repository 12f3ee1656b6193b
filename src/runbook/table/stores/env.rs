//! Variables of the environment.

use super::super::super::shape::{Format, Kinds, Record, Shape};
use super::super::may;

pub(super) static ENV: Record = Record {
    title: "the environment",
    fields: &[may(
        "prefix",
        Shape::Text(Format::Variable),
        "What stands before the name of every variable, such as `DR_`.",
    )],
    kinds: Kinds::None,
};
