//! Files that SOPS has encrypted.

use super::super::super::shape::{Format, Kinds, Name, Record, Shape};
use super::super::may;

pub(super) static SOPS: Record = Record {
    title: "a store of SOPS files",
    fields: &[
        may(
            "path",
            Shape::Text(Format::Path),
            "The folder within it which the paths of secrets begin at; the whole of it unless given.",
        ),
        may(
            "age-key",
            Shape::Record(&AGE_KEY),
            "The age key that opens the files: what `age-keygen` prints, or a key of SSH.",
        ),
        may(
            "program",
            Shape::Text(Format::Any),
            "The program for files that an age key does not open; `sops` on `PATH` unless given.",
        ),
        may(
            "gnupg-home",
            Shape::Text(Format::Any),
            "The home of GnuPG that the program uses for files encrypted by PGP.",
        ),
        may(
            "env",
            Shape::List(&Shape::Text(Format::Variable)),
            "Variables of the environment that the program gets, such as those that log in to a cloud.",
        ),
    ],
    kinds: Kinds::Of(&[
        may(
            "source",
            Shape::Text(Format::Name(Name::Source)),
            "The source that holds the files. What is read from it is read once it is fetched.",
        ),
        may(
            "folder",
            Shape::Text(Format::Any),
            "The folder of this machine that holds the files.",
        ),
    ]),
};

static AGE_KEY: Record = Record {
    title: "an age key",
    fields: &[
        may(
            "path",
            Shape::Text(Format::Any),
            "With `store`: the path of the secret there.",
        ),
        may(
            "key",
            Shape::Text(Format::Any),
            "With `store`: the key in that secret; its only one unless given.",
        ),
    ],
    kinds: Kinds::Of(&[
        may(
            "env",
            Shape::Text(Format::Variable),
            "The variable of the environment that holds it.",
        ),
        may(
            "file",
            Shape::Text(Format::Any),
            "The file of this machine that holds it.",
        ),
        may(
            "store",
            Shape::Text(Format::Name(Name::Store)),
            "Another store that holds it, of any kind but this one.",
        ),
    ]),
};
