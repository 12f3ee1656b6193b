//! The words in which the runbook's structure is written down.
//!
//! The structure itself is the table in [`super::table`]. The walk that checks a file, the JSON schema and the reference
//! all read that one table, so that none of them can know a key that another does not.

/// What a value may be.
#[derive(Debug)]
pub(super) enum Shape {
    /// Text of a format. A plain number is not text: `1.10` would lose its zero elsewhere.
    Text(Format),
    /// Text, a number or a flag, taken as it is written.
    Scalar,
    /// `true` or `false`.
    Flag,
    /// A whole number from the first to the second.
    Whole(u64, u64),
    /// One of these words.
    Word(&'static [Word]),
    /// `{env: NAME}`, the value of a variable of the environment; where `literal`, also text.
    Env {
        /// Whether the value may also be written in the file.
        literal: bool,
    },
    /// `{env: NAME}` or `{file: PATH}`, the content of a file of this machine.
    EnvOrFile,
    /// A list.
    List(&'static Shape),
    /// A list with at least one item.
    NonEmpty(&'static Shape),
    /// One of these, or a list with at least one.
    OneOrMany(&'static Shape),
    /// A mapping from names that the user gives.
    Table {
        /// What the names must look like.
        key: Format,
        /// What is named.
        of: &'static Shape,
    },
    /// A mapping with keys of ours.
    Record(&'static Record),
    /// Text of a format, or the mapping.
    TextOrRecord(Format, &'static Record),
    /// One of these words, or the mapping.
    WordOrRecord(&'static [Word], &'static Record),
}

/// A mapping with keys of ours.
#[derive(Debug)]
pub(super) struct Record {
    /// What it is, with its article: `a store`.
    pub(super) title: &'static str,
    /// Its keys.
    pub(super) fields: &'static [Field],
    /// The keys of which exactly one names its kind.
    pub(super) kinds: Kinds,
}

/// How a mapping names its kind.
#[derive(Debug)]
pub(super) enum Kinds {
    /// It has none.
    None,
    /// By one of these keys.
    Of(&'static [Field]),
    /// By one key that is the name of a thing in the runbook.
    Named {
        /// Whose name.
        whose: Name,
        /// What stands behind it.
        of: &'static Shape,
    },
}

/// A key of a mapping.
#[derive(Debug)]
pub(super) struct Field {
    /// The key.
    pub(super) name: &'static str,
    /// What its value may be.
    pub(super) shape: Shape,
    /// Whether it must be there.
    pub(super) required: bool,
    /// What it means, in one sentence.
    pub(super) doc: &'static str,
}

/// A word that a value may be.
#[derive(Debug)]
pub(super) struct Word {
    /// The word.
    pub(super) word: &'static str,
    /// What it means, in one sentence.
    pub(super) doc: &'static str,
}

/// What a text must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// Anything that is not empty.
    Any,
    /// A DNS label (RFC 1123): what most Kubernetes names and all names in a runbook are.
    Label,
    /// A DNS subdomain (RFC 1123): labels with dots between them.
    Subdomain,
    /// An app's name, with its namespace before a `/` where it is not the agent's.
    App,
    /// A kind, or `Kind.group`.
    Kind,
    /// The name of a variable of the environment.
    Variable,
    /// A span of time, such as `30m` or `1h 30m`.
    Duration,
    /// The address of a Git repository.
    Git,
    /// An address that starts with `http://` or `https://`.
    Http,
    /// The UID of a cluster (that of its namespace `kube-system`) or the address of its API server.
    Cluster,
    /// A path relative to a repository's root.
    Path,
    /// `sha256:` and 64 hexadecimal digits.
    Digest,
    /// The name of something in this runbook.
    Name(Name),
}

/// What a name in a runbook may be the name of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    /// A source.
    Source,
    /// A store.
    Store,
    /// A secret.
    Secret,
    /// A root or a step.
    Step,
}

impl Name {
    /// Returns the word for it.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Store => "store",
            Self::Secret => "secret",
            Self::Step => "root or step",
        }
    }
}

impl Shape {
    /// Says what is expected, for a message.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Text(_) => "text".into(),
            Self::Scalar => "text, a number or a flag".into(),
            Self::Flag => "`true` or `false`".into(),
            Self::Whole(..) => "a whole number".into(),
            Self::Word(words) => one_of(words),
            Self::Env { literal: true } => "text, or `{env: NAME}`".into(),
            Self::Env { literal: false } => "`{env: NAME}`".into(),
            Self::EnvOrFile => "`{env: NAME}` or `{file: PATH}`".into(),
            Self::List(_) | Self::NonEmpty(_) => "a list".into(),
            Self::OneOrMany(one) => format!("{}, or a list of such", one.describe()),
            Self::Table { .. } => "a mapping".into(),
            Self::Record(record) => format!("{}, a mapping", record.title),
            Self::TextOrRecord(_, record) => format!("text, or {} as a mapping", record.title),
            Self::WordOrRecord(words, _) => format!("{}, or a mapping", one_of(words)),
        }
    }
}

/// Lists words: `a`, `b` or `c`.
pub(super) fn one_of(words: &[Word]) -> String {
    list(words.iter().map(|word| word.word))
}

/// Lists words: `a`, `b` or `c`.
pub(super) fn list<'word>(words: impl IntoIterator<Item = &'word str>) -> String {
    let quoted: Vec<_> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}
