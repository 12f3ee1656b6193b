//! A program that prints secrets.

use super::super::super::shape::{Format, Kinds, Record, Shape};
use super::super::{may, must, word};

pub(super) static EXEC: Record = Record {
    title: "a program that prints secrets",
    fields: &[
        must(
            "command",
            Shape::NonEmpty(&Shape::Text(Format::Any)),
            "The program and its arguments. The path comes as one more argument, and with the version as JSON on standard input.",
        ),
        may(
            "env",
            Shape::List(&Shape::Text(Format::Variable)),
            "The variables of the environment that the program gets, such as the one that it logs in with.",
        ),
        may(
            "timeout",
            Shape::Text(Format::Duration),
            "How long it may run for one secret; half a minute unless given.",
        ),
        may(
            "output",
            Shape::Word(&[
                word(
                    "json",
                    "A JSON object of texts, each of which is a key, or one JSON text. The default.",
                ),
                word("text", "The value itself, without the line break at its end."),
                word("bytes", "The value itself, byte by byte."),
            ]),
            "What it prints.",
        ),
    ],
    kinds: Kinds::None,
};
