//! What can be asked for on the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// Rebuild a Kubernetes platform from Git and a secret store, and say how long it took
#[derive(Debug, Parser)]
#[command(name = "gitops-dr", version, about, max_term_width = 100, after_help = EXIT_CODES)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
    #[command(flatten)]
    pub(super) looks: Looks,
}

/// The exit codes, for the help text.
const EXIT_CODES: &str = "Exit codes: 0 recovered · 1 failed · 2 refused or invalid input, nothing was changed · \
3 recovered over the target · 4 the deadline passed, resumable · 130 interrupted, resumable";

/// How output looks, for every subcommand.
#[derive(Debug, Clone, Args)]
pub(super) struct Looks {
    /// Print as text for people, or as JSON for machines
    #[arg(long, global = true, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub(super) output: Output,
    /// Print nothing but the end and what went wrong
    #[arg(long, short, global = true)]
    pub(super) quiet: bool,
    /// Where runs and their journals are kept [default: $XDG_STATE_HOME/gitops-dr]
    #[arg(
        long,
        global = true,
        env = "GITOPS_DR_STATE",
        value_name = "DIR",
        hide_env_values = true
    )]
    pub(super) state: Option<PathBuf>,
}

/// The forms of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// Text for people.
    Text,
    /// JSON for machines: one event a line, or one document.
    Json,
    /// The graph of a plan for Graphviz.
    Dot,
    /// The graph of a plan as a picture.
    Svg,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Rebuild the platform on the cluster that the runbook names
    Restore(Box<Restore>),
    /// Show what a restore would do, and change nothing; reads the stores and Git, and looks at no cluster
    Plan(Plan),
    /// Look after the credentials that a restore needs
    #[command(subcommand)]
    Secrets(Secrets),
    /// Show a past run again
    Report(Report),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the man pages into a folder
    Man {
        /// The folder
        folder: PathBuf,
    },
    /// Print the JSON schema of runbooks
    Schema,
}

/// What a runbook and a place to keep repositories have in common.
#[derive(Debug, Clone, Args)]
pub(super) struct Book {
    /// The runbook
    pub(super) runbook: PathBuf,
    /// Take this revision of a source instead of the runbook's
    #[arg(long, value_name = "SOURCE=REV", value_parser = revision)]
    pub(super) revision: Vec<(String, String)>,
    /// Where repositories are kept between runs [default: $XDG_CACHE_HOME/gitops-dr]
    #[arg(long, env = "GITOPS_DR_CACHE", value_name = "DIR", hide_env_values = true)]
    pub(super) cache: Option<PathBuf>,
}

/// `restore`.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(super) struct Restore {
    #[command(flatten)]
    pub(super) book: Book,
    /// The kubeconfig file [default: $KUBECONFIG, or ~/.kube/config]
    #[arg(long, value_name = "FILE")]
    pub(super) kubeconfig: Option<PathBuf>,
    /// The kubeconfig context, instead of the runbook's
    #[arg(long, value_name = "NAME")]
    pub(super) context: Option<String>,
    /// Give up after this time; without it a restore goes on until it is done
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(super) deadline: Option<Duration>,
    /// Go on with an interrupted run: the newest, or the one named
    #[arg(long, value_name = "RUN", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub(super) resume: Option<String>,
    #[command(flatten)]
    pub(super) answered: Answered,
}

/// What a person says beforehand. Each is journaled, with the reason.
#[derive(Debug, Args)]
#[command(next_help_heading = "Answers")]
pub(super) struct Answered {
    /// The cluster that is replaced is fenced, and how: `power off, ticket 4711`
    #[arg(long, value_name = "REASON", value_parser = reason)]
    pub(super) fenced: Option<String>,
    /// Take a cluster that is not empty over as it is, and why
    #[arg(long, value_name = "REASON", value_parser = reason)]
    pub(super) adopt: Option<String>,
    /// Go on although the plan is another than the run was begun with, and why
    #[arg(long, value_name = "REASON", value_parser = reason)]
    pub(super) accept_plan_change: Option<String>,
    /// Approve a step, or a cluster that survives as `cluster/NAME`
    #[arg(long, value_name = "ID=COMMENT", value_parser = named)]
    pub(super) approve: Vec<(String, String)>,
    /// Approve the runbook's own `approve` steps; it answers nothing else
    #[arg(long)]
    pub(super) yes: bool,
    /// A step whose result is not known was done, and how that is known
    #[arg(long, value_name = "STEP=REASON", value_parser = named)]
    pub(super) was_done: Vec<(String, String)>,
    /// Do a step again that must not be done twice, and why
    #[arg(long, value_name = "STEP=REASON", value_parser = named)]
    pub(super) do_again: Vec<(String, String)>,
    /// Let a step that applies take over the fields that other managers own, such as `root/apps`, and why
    #[arg(long, value_name = "STEP[=REASON]", value_parser = forced)]
    pub(super) force_conflicts: Vec<(String, String)>,
}

/// `secrets`.
#[derive(Debug, Subcommand)]
pub(super) enum Secrets {
    /// Look whether every secret can be read from every place that the runbook names, and is what it should be
    Check(SecretsCheck),
    /// Take from a live cluster what a restore will need into the stores; says what it would write unless told to
    Capture(SecretsCapture),
}

/// `secrets capture`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 the stores hold it, or can · 1 something is in the way, or --check found something that is not stored · \
2 refused, nothing was written · 130 interrupted"
)]
pub(super) struct SecretsCapture {
    #[command(flatten)]
    pub(super) book: Book,
    /// The kubeconfig context of the live cluster; the runbook's own leads to the one that is restored onto
    #[arg(long, value_name = "NAME", required = true)]
    pub(super) context: Option<String>,
    /// The kubeconfig file [default: $KUBECONFIG, or ~/.kube/config]
    #[arg(long, value_name = "FILE")]
    pub(super) kubeconfig: Option<PathBuf>,
    /// Write what is new or stale into the stores
    #[arg(long)]
    pub(super) write: bool,
    /// Fail where a store lacks something or holds it stale; for a job that runs each night
    #[arg(long, conflicts_with = "write")]
    pub(super) check: bool,
    /// Only the places in this store
    #[arg(long, value_name = "STORE")]
    pub(super) to: Option<String>,
    /// Replace what is stored of a secret although no capture has written it
    #[arg(long, value_name = "SECRET")]
    pub(super) replace: Vec<String>,
    /// Capture another cluster than the last time, and why: `rebuilt after the fire, ticket 4711`
    #[arg(long, value_name = "REASON", value_parser = reason)]
    pub(super) other_cluster: Option<String>,
}

/// `secrets check`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 all is there · 1 something cannot be read or is wrong · 2 invalid input · 130 interrupted"
)]
pub(super) struct SecretsCheck {
    #[command(flatten)]
    pub(super) book: Book,
    /// Read every value, also where the store can tell without that it is there: proves that it may be read
    #[arg(long)]
    pub(super) read: bool,
    /// Let warnings fail it too: a certificate that ends soon, places that differ
    #[arg(long)]
    pub(super) strict: bool,
}

/// `plan`.
#[derive(Debug, Args)]
pub(super) struct Plan {
    #[command(flatten)]
    pub(super) book: Book,
    /// Tell what an app or an object waits for, and what its loss would hold back: NAME, NAMESPACE/NAME,
    /// KIND/NAME or KIND/NAMESPACE/NAME, KIND also as KIND.GROUP, or as the plan prints it: 'KIND.GROUP NAMESPACE/NAME'
    #[arg(long, value_name = "THING")]
    pub(super) why: Option<String>,
    /// Changes nothing: a plan looks at no cluster
    #[arg(long, value_name = "FILE", hide = true)]
    pub(super) kubeconfig: Option<PathBuf>,
    /// Changes nothing: a plan looks at no cluster
    #[arg(long, value_name = "NAME", hide = true)]
    pub(super) context: Option<String>,
}

/// `report`.
#[derive(Debug, Args)]
pub(super) struct Report {
    /// The run; the newest that changed anything if not given, or else the newest
    pub(super) run: Option<String>,
    /// List all runs, the newest first, a line each
    #[arg(long, conflicts_with = "run")]
    pub(super) list: bool,
}

fn revision(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((source, revision)) if !source.is_empty() && !revision.is_empty() => Ok((source.into(), revision.into())),
        _ => Err("write it as SOURCE=REV, such as platform=v1.4".into()),
    }
}

fn reason(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("say it in words: they are journaled".into()),
        words => Ok(words.to_owned()),
    }
}

fn named(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, words)) if !name.is_empty() => Ok((name.into(), reason(words)?)),
        _ => Err("write it as ID=WORDS, such as data='checked by Ann, ticket 4711'".into()),
    }
}

fn forced(text: &str) -> Result<(String, String), String> {
    let (name, words) = match text.split_once('=') {
        Some((name, words)) => (name, reason(words)?),
        None => (text, "--force-conflicts".to_owned()),
    };
    if name.is_empty() {
        return Err("name a step, such as root/apps".into());
    }
    Ok((name.to_owned(), words))
}

fn duration(text: &str) -> Result<Duration, String> {
    let wrong = |_| "write it with a unit, such as 90s, 30m or 1h 30m".to_owned();
    let span: jiff::SignedDuration = text.parse().map_err(wrong)?;
    let positive = Duration::try_from(span).ok().filter(|duration| !duration.is_zero());
    positive.ok_or_else(|| "it must be longer than nothing".to_owned())
}
