//! Short ways to write the table.

use super::super::shape::{Field, Format, Shape, Word};

/// A key that must be there.
pub(super) const fn must(name: &'static str, shape: Shape, doc: &'static str) -> Field {
    Field {
        name,
        shape,
        required: true,
        doc,
    }
}

/// A key that may be there.
pub(super) const fn may(name: &'static str, shape: Shape, doc: &'static str) -> Field {
    Field {
        name,
        shape,
        required: false,
        doc,
    }
}

/// A word with its meaning.
pub(super) const fn word(word: &'static str, doc: &'static str) -> Word {
    Word { word, doc }
}

/// Things by names that the user gives.
pub(super) const fn table(of: &'static Shape) -> Shape {
    Shape::Table { key: Format::Label, of }
}

/// Labels or annotations.
pub(super) const fn words() -> Shape {
    Shape::Table {
        key: Format::Any,
        of: &Shape::Scalar,
    }
}
