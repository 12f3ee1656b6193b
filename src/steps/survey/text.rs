//! What was found, as a table for people.

use std::fmt::{self, Write as _};

use jiff::Timestamp;

use super::super::table::{reasons, table};
use super::told::{Credential, Lack, Place, Seen, Survey};

impl fmt::Display for Survey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<[String; 5]> = self
            .secrets
            .iter()
            .flat_map(|secret| {
                secret
                    .places
                    .iter()
                    .enumerate()
                    .map(|(at, place)| row(secret, at, place, self.at))
            })
            .collect();
        table(f, ["SECRET", "PLACE", "IS", "VERSION", "WRITTEN"], &rows)?;
        let lacking = self.secrets.iter().flat_map(|secret| {
            let places = secret.places.iter();
            places.filter_map(|place| match &place.seen {
                Seen::Lacking { failure, .. } => Some((secret.name.as_str(), failure)),
                Seen::Found { .. } => None,
            })
        });
        reasons(f, lacking)?;
        let findings = self
            .secrets
            .iter()
            .flat_map(|secret| &secret.findings)
            .chain(&self.findings);
        let findings: Vec<_> = findings.cloned().collect();
        if !findings.is_empty() {
            writeln!(f)?;
            f.write_str(&crate::finding::draw_all(&findings, false, |_| None))?;
        }
        writeln!(f, "\n{}", self.verdict())
    }
}

impl Survey {
    /// Sums up, with the names of those that somebody has to look after.
    fn verdict(&self) -> String {
        let named = |is: &dyn Fn(&Credential) -> bool| -> Vec<&str> {
            let those = self.secrets.iter().filter(|secret| is(secret));
            those.map(|secret| secret.name.as_str()).collect()
        };
        let all = self.secrets.len();
        let nowhere = |secret: &Credential| secret.is_nowhere() && !secret.optional;
        let mut said = Vec::new();
        for (what, names) in [
            ("cannot be read from anywhere", named(&nowhere)),
            (
                "cannot be read from every place",
                named(&|secret| !secret.is_here() && !nowhere(secret)),
            ),
            ("cannot be restored as it is", named(&Credential::is_wrong)),
        ] {
            if !names.is_empty() {
                said.push(format!("{} of {all} {what}: {}", names.len(), names.join(", ")));
            }
        }
        let (unread, lacking) = (
            named(&Credential::is_unread),
            named(&|secret| secret.optional && secret.is_nowhere() && secret.is_here()),
        );
        let mut well = format!("all {} secrets can be read from every place", all - lacking.len());
        if !unread.is_empty() {
            well = format!(
                "all {} secrets are there; of {} it was not tried whether we may read them, which --read does: {}",
                all - lacking.len(),
                unread.len(),
                unread.join(", ")
            );
        }
        if !lacking.is_empty() {
            let _ = write!(well, "; optional and nowhere: {}", lacking.join(", "));
        }
        if said.is_empty() && self.is_complete() {
            return well;
        }
        if said.is_empty() {
            return format!("all {all} secrets can be read, and together they cannot be restored");
        }
        said.join("\n")
    }
}

impl Credential {
    fn is_nowhere(&self) -> bool {
        let is_lacking = |place: &Place| matches!(place.seen, Seen::Lacking { .. });
        self.places.iter().all(is_lacking)
    }
}

fn row(secret: &Credential, at: usize, place: &Place, now: Timestamp) -> [String; 5] {
    let name = if at == 0 { secret.name.clone() } else { String::new() };
    let found_in = format!("{} {}", place.store, place.path);
    let (is, version, written) = match &place.seen {
        Seen::Found {
            version,
            written,
            read,
            readable,
        } => (
            match (*read, *readable) {
                (true, _) if secret.is_wrong() => "read, WRONG",
                (true, _) => "read",
                (false, true) => "readable",
                (false, false) => "there, not read",
            },
            version.clone().unwrap_or_default(),
            written.map(|written| age(written, now)).unwrap_or_default(),
        ),
        Seen::Lacking { how: Lack::Missing, .. } if secret.optional => {
            ("not there, optional", String::new(), String::new())
        }
        Seen::Lacking { how, .. } => (how.word(), String::new(), String::new()),
    };
    [name, found_in, is.to_owned(), version, written]
}

/// Says how long ago something was, in its largest unit: `3 days ago`.
fn age(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(then).as_secs().max(0);
    let (count, unit) = match seconds {
        0..60 => return "just now".to_owned(),
        60..3600 => (seconds / 60, "minute"),
        3600..86_400 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{} ago", if count == 1 { "" } else { "s" })
}
