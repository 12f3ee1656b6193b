//! Files on this machine.

use super::super::super::shape::{Format, Kinds, Record, Shape};
use super::super::must;

pub(super) static FILES: Record = Record {
    title: "a folder of files",
    fields: &[must(
        "folder",
        Shape::Text(Format::Any),
        "The folder on this machine. Its files may be read by nobody but the user that runs this.",
    )],
    kinds: Kinds::None,
};
