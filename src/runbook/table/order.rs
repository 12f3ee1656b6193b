//! The roots, what happens between them, and when all is done.

use super::super::shape::{Format, Kinds, Name, Record, Shape, Word};
use super::agent::IN_SOURCE;
use super::{may, must, word};

/// The health and sync words that an app may be allowed to stay in.
const ALLOWED: &[Word] = &[
    word("Suspended", "Paused on purpose, such as a CronJob or a rollout."),
    word(
        "Progressing",
        "Never comes to rest, such as an Ingress without a load balancer.",
    ),
    word("Degraded", "Known to be broken."),
    word("Missing", "Not there, on purpose."),
    word("Unknown", "Its health cannot be told."),
    word("OutOfSync", "Differs from Git, on purpose."),
];

pub(super) static ROOT: Record = Record {
    title: "a root",
    fields: &[
        must("id", Shape::Text(Format::Label), "Its name in the runbook."),
        must(
            "source",
            Shape::Text(Format::Name(Name::Source)),
            "The source that holds it.",
        ),
        must("path", Shape::Text(Format::Path), "The file or folder that holds it."),
    ],
    kinds: Kinds::None,
};

pub(super) static STEP: Record = Record {
    title: "a step",
    fields: &[
        must("id", Shape::Text(Format::Label), "Its name in the runbook."),
        may(
            "after",
            Shape::Text(Format::Name(Name::Step)),
            "The root or step after which it comes.",
        ),
        may(
            "before",
            Shape::Text(Format::Name(Name::Step)),
            "The root or step before which it comes.",
        ),
    ],
    kinds: Kinds::Of(&[
        may(
            "check",
            Shape::Record(&CHECK),
            "Waits for something to be so, for as long as it takes: `--deadline` of the run is its only limit.",
        ),
        may(
            "approve",
            Shape::Record(&APPROVE),
            "Asks a person, and goes on when the word is typed.",
        ),
        may("run", Shape::Record(&RUN), "Runs a program."),
        may("apply", Shape::Record(&IN_SOURCE), "Applies manifests."),
    ]),
};

pub(super) static CHECK: Record = Record {
    title: "a check",
    fields: &[],
    kinds: Kinds::Of(&[
        may("http", Shape::Record(&HTTP), "An address answers."),
        may(
            "condition",
            Shape::Record(&CONDITION),
            "An object has a condition or phase.",
        ),
    ]),
};

pub(super) static HTTP: Record = Record {
    title: "an HTTP check",
    fields: &[
        must("url", Shape::Text(Format::Http), "The address."),
        may(
            "status",
            Shape::Whole(100, 599),
            "The status it answers with; 200 unless given.",
        ),
    ],
    kinds: Kinds::None,
};

pub(super) static CONDITION: Record = Record {
    title: "a condition",
    fields: &[
        must(
            "kind",
            Shape::Text(Format::Kind),
            "The object's kind; `Kind.group` where more than one kind bears the name.",
        ),
        may(
            "namespace",
            Shape::Text(Format::Label),
            "Its namespace; left out for what has none.",
        ),
        must("name", Shape::Text(Format::Subdomain), "Its name."),
        must(
            "is",
            Shape::Text(Format::Any),
            "The condition type that is `True`, or the phase.",
        ),
    ],
    kinds: Kinds::None,
};

pub(super) static APPROVE: Record = Record {
    title: "an approval",
    fields: &[
        must("prompt", Shape::Text(Format::Any), "What the person is asked."),
        may(
            "confirm",
            Shape::Text(Format::Any),
            "The word that has to be typed; the step's id unless given.",
        ),
        may(
            "timeout",
            Shape::Text(Format::Duration),
            "How long an answer is waited for; for ever unless given.",
        ),
    ],
    kinds: Kinds::None,
};

pub(super) static RUN: Record = Record {
    title: "a program to run",
    fields: &[
        must(
            "command",
            Shape::NonEmpty(&Shape::Text(Format::Any)),
            "The program and its arguments. No shell reads them.",
        ),
        may(
            "source",
            Shape::Text(Format::Name(Name::Source)),
            "The source in whose checkout it runs, and where a program named with a slash is; the current folder unless given.",
        ),
        may(
            "env",
            Shape::List(&Shape::Text(Format::Any)),
            "The variables that it gets from the environment, beside PATH, HOME and the like.",
        ),
        may(
            "timeout",
            Shape::Text(Format::Duration),
            "How long it may run; ten minutes unless given.",
        ),
        may(
            "repeatable",
            Shape::Flag,
            "Whether it may be run again without harm. Unless it says so, it is run once, and after a crash a person is asked.",
        ),
        may(
            "retries",
            Shape::Whole(0, 100),
            "How often it is run again after it failed; only for what is repeatable.",
        ),
    ],
    kinds: Kinds::None,
};

pub(super) static APP: Record = Record {
    title: "what is accepted of an app",
    fields: &[
        may(
            "allow",
            Shape::NonEmpty(&Shape::Word(ALLOWED)),
            "Words that count as ready.",
        ),
        may("ignore", Shape::Flag, "Whether it is left out altogether."),
        may(
            "rerun-hooks",
            Shape::Flag,
            "Whether its hooks may run again: a sync that the agent has given up after it ran them is begun again only then.",
        ),
        may(
            "sync",
            Shape::Flag,
            "Whether it is synced though it has no automated sync: once for each of its revisions, when it is there and OutOfSync.",
        ),
        must("reason", Shape::Text(Format::Any), "Why. It is shown in the report."),
    ],
    kinds: Kinds::None,
};

pub(super) static DONE: Record = Record {
    title: "when the platform counts as recovered",
    fields: &[
        may(
            "critical",
            Shape::List(&Shape::Text(Format::App)),
            "The apps that must be ready; all of them unless given.",
        ),
        may("checks", Shape::List(&Shape::Record(&CHECK)), "What must be so."),
    ],
    kinds: Kinds::None,
};
