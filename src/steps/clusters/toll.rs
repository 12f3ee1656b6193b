//! What connecting a cluster would cost, in words.

use crate::event::Question;

/// How many lines of one kind are shown; the number of all is.
const SHOWN: usize = 200;

/// What the agent would do to a cluster if it were connected, one line each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Toll {
    /// What it would delete.
    pub(super) deleted: Vec<String>,
    /// What it would change.
    pub(super) changed: Vec<String>,
    /// What cannot be told.
    pub(super) unknown: Vec<String>,
    /// What bears the mark of an app and stays as it is.
    pub(super) left_alone: Vec<String>,
}

impl Toll {
    /// Whether nothing would be lost: then nobody needs to be asked.
    pub(super) fn is_harmless(&self) -> bool {
        self.deleted.is_empty() && self.changed.is_empty() && self.unknown.is_empty()
    }

    /// Returns what a person should know, one line each, the worst first.
    pub(super) fn lines(&self) -> Vec<String> {
        [
            ("would be deleted", &self.deleted),
            ("would be changed", &self.changed),
            ("cannot be told", &self.unknown),
            ("left alone", &self.left_alone),
        ]
        .into_iter()
        .flat_map(|(what, of)| {
            let more = of.len().saturating_sub(SHOWN);
            of.iter()
                .take(SHOWN)
                .map(move |line| format!("{what}: {line}"))
                .chain((more > 0).then(|| format!("{what}: {more} more")))
        })
        .collect()
    }

    /// Returns what of it another did not hold, one line each: what nobody has seen who has seen the other.
    pub(super) fn beyond(&self, other: &Self) -> Vec<String> {
        [
            ("would be deleted", &self.deleted, &other.deleted),
            ("would be changed", &self.changed, &other.changed),
            ("cannot be told", &self.unknown, &other.unknown),
        ]
        .into_iter()
        .flat_map(|(what, now, before)| {
            let new = now.iter().filter(|line| !before.contains(line));
            new.map(move |line| format!("{what}: {line}"))
        })
        .collect()
    }

    /// Says how much it is, such as `1 object deleted, 2 changed`.
    pub(super) fn count(&self) -> String {
        let parts: Vec<_> = [
            ("deleted", self.deleted.len()),
            ("changed", self.changed.len()),
            ("cannot be told", self.unknown.len()),
        ]
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(what, count)| format!("{count} {what}"))
        .collect();
        parts.join(", ")
    }

    /// Returns what is asked before the cluster is connected.
    pub(super) fn question(&self, cluster: &str) -> Question {
        Question {
            prompt: format!(
                "Connect cluster {cluster}, which lives on? The agent would act there at once: {}.",
                self.count()
            ),
            details: self.lines(),
            confirm: Some(cluster.to_owned()),
            flag: flag(cluster),
            ..Question::default()
        }
    }
}

/// Returns the flag that approves without a person at hand.
pub(super) fn flag(cluster: &str) -> String {
    format!("--approve cluster/{cluster}=COMMENT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_lost_is_said_first_and_the_clusters_name_has_to_be_typed() {
        let toll = Toll {
            deleted: vec!["ConfigMap a (of cart)".into()],
            changed: vec!["Deployment b (of cart)".into()],
            unknown: vec!["app search: foreign".into()],
            left_alone: vec!["ConfigMap c: kept".into()],
        };
        let question = toll.question("edge");
        assert_eq!(question.confirm.as_deref(), Some("edge"));
        assert!(
            question.prompt.ends_with("1 deleted, 1 changed, 1 cannot be told."),
            "{}",
            question.prompt
        );
        assert_eq!(
            question.details,
            [
                "would be deleted: ConfigMap a (of cart)",
                "would be changed: Deployment b (of cart)",
                "cannot be told: app search: foreign",
                "left alone: ConfigMap c: kept",
            ]
        );
        assert_eq!(question.flag, "--approve cluster/edge=COMMENT");
    }

    #[test]
    fn what_cannot_be_told_is_not_harmless_and_what_is_left_alone_is() {
        let unknown = Toll {
            unknown: vec!["x".into()],
            ..Toll::default()
        };
        let left = Toll {
            left_alone: vec!["x".into()],
            ..Toll::default()
        };
        assert!(!unknown.is_harmless());
        assert!(left.is_harmless() && Toll::default().is_harmless());
    }

    #[test]
    fn what_came_after_the_approval_was_not_approved() {
        let of = |deleted: &[&str], changed: &[&str], left_alone: &[&str]| Toll {
            deleted: deleted.iter().map(ToString::to_string).collect(),
            changed: changed.iter().map(ToString::to_string).collect(),
            left_alone: left_alone.iter().map(ToString::to_string).collect(),
            ..Toll::default()
        };
        let approved = of(&["a", "b"], &["c"], &[]);
        assert_eq!(
            of(&["b"], &[], &["a", "x"]).beyond(&approved),
            [""; 0],
            "less is approved too"
        );
        assert_eq!(
            of(&["a", "c"], &["c", "d"], &[]).beyond(&approved),
            ["would be deleted: c", "would be changed: d"],
            "what was to be changed was not approved to be deleted"
        );
    }

    #[test]
    fn a_list_without_end_is_cut_and_says_so() {
        let toll = Toll {
            deleted: (0..SHOWN + 7).map(|number| number.to_string()).collect(),
            ..Toll::default()
        };
        assert_eq!(toll.lines().len(), SHOWN + 1);
        assert_eq!(toll.lines()[SHOWN], "would be deleted: 7 more");
        assert!(toll.count().starts_with("207 deleted"));
    }
}
