//! The whole runbook.

use super::super::shape::{Format, Kinds, Record, Shape, Word};
use super::agent::{AGENT, SOURCE};
use super::order::{APP, DONE, ROOT, STEP};
use super::secrets::{CAPTURE, CLUSTER, SECRET};
use super::stores::STORE;
use super::target::TARGET;
use super::{may, must, table, word};

/// Who orders what comes up.
const ORDER: &[Word] = &[
    word(
        "agent",
        "The agent creates and syncs the apps; what they need of each other is applied before.",
    ),
    word(
        "graph",
        "Apps that bring no others are created one after the other, each when all that it needs is ready, and before the roots.",
    ),
];

/// The whole runbook.
pub(in super::super) static RUNBOOK: Record = Record {
    title: "a runbook",
    fields: &[
        must(
            "apiVersion",
            Shape::Word(&[word("gitops-dr/v1", "This format.")]),
            "The format's version.",
        ),
        must(
            "kind",
            Shape::Word(&[word("Runbook", "A runbook.")]),
            "What the file is.",
        ),
        must(
            "name",
            Shape::Text(Format::Label),
            "The runbook's name, in reports and history.",
        ),
        may("target", Shape::Record(&TARGET), "The cluster to restore onto."),
        must(
            "sources",
            table(&Shape::Record(&SOURCE)),
            "The Git repositories, by name. They are only read.",
        ),
        may(
            "stores",
            Shape::List(&Shape::Record(&STORE)),
            "Where secrets live. A store is named by its kind, or by `name` where there are two of one kind.",
        ),
        must(
            "agent",
            Shape::Record(&AGENT),
            "The GitOps agent that the platform runs on.",
        ),
        may(
            "secrets",
            table(&Shape::Record(&SECRET)),
            "What to restore from the stores, by name.",
        ),
        may(
            "capture",
            Shape::Record(&CAPTURE),
            "Where `secrets capture` keeps the manifest of what it has written into the stores.",
        ),
        may(
            "clusters",
            table(&Shape::Record(&CLUSTER)),
            "The other clusters that the agent drives, by name.",
        ),
        must(
            "roots",
            Shape::NonEmpty(&Shape::Record(&ROOT)),
            "The apps or Kustomizations from which the rest follows, in order.",
        ),
        may(
            "order",
            Shape::Word(ORDER),
            "Who orders what comes up: `agent` unless given.",
        ),
        may(
            "steps",
            Shape::List(&Shape::Record(&STEP)),
            "What is to happen between the roots.",
        ),
        may(
            "apps",
            Shape::Table {
                key: Format::App,
                of: &Shape::Record(&APP),
            },
            "What is accepted of single apps, by name.",
        ),
        may(
            "done",
            Shape::Record(&DONE),
            "When the platform counts as recovered: that stops the recovery clock.",
        ),
    ],
    kinds: Kinds::None,
};
