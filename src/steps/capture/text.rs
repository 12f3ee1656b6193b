//! What came of a capture, as a table for people.

use std::fmt;

use super::super::table::{reasons, table};
use super::told::{Capture, Captured, Differs, State};

impl fmt::Display for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = "";
        let rows: Vec<[String; 5]> = self
            .places
            .iter()
            .map(|place| {
                let name = if place.secret == last { "" } else { &place.secret };
                last = &place.secret;
                row(name, place)
            })
            .collect();
        table(f, ["SECRET", "PLACE", "IS", "VERSION", "KEYS"], &rows)?;
        let failed = self.places.iter().filter_map(|place| match &place.state {
            State::Failed { failure, .. } => Some((place.secret.as_str(), failure)),
            _ => None,
        });
        let unkept = self
            .manifest
            .iter()
            .filter_map(|kept| Some(("manifest", kept.failure.as_ref()?)));
        let unknown = self
            .unknown
            .iter()
            .map(|failure| ("what else a restore needs", failure));
        reasons(f, failed.chain(unkept).chain(unknown))?;
        for place in &self.places {
            let (what, why) = match &place.state {
                State::ByHand { why } => ("is for you to keep", why),
                State::Left { why, .. } => ("is left alone", why),
                _ => continue,
            };
            writeln!(
                f,
                "\n{}: {} in store {} {what}: {why}",
                place.secret, place.path, place.store
            )?;
        }
        self.lacking(f)?;
        if !self.findings.is_empty() {
            writeln!(f)?;
            f.write_str(&crate::finding::draw_all(&self.findings, false, |_| None))?;
        }
        writeln!(f, "\n{}", self.verdict().join("\n"))
    }
}

impl Capture {
    /// Tells what a restore will need and the runbook does not name, with what to write.
    fn lacking(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.needed.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "\nA restore will need these too, and the runbook does not name them:"
        )?;
        for needed in &self.needed {
            writeln!(f, "  {}, for {}", needed.object, needed.reader)?;
        }
        writeln!(
            f,
            "Write what you want back under `secrets` of the runbook, and capture again:"
        )?;
        for needed in &self.needed {
            writeln!(f, "  {}", needed.entry)?;
        }
        Ok(())
    }

    /// Sums up.
    fn verdict(&self) -> Vec<String> {
        let named = |is: fn(&State) -> bool| -> Vec<&str> {
            let places = self.places.iter().filter(|place| is(&place.state));
            let mut names: Vec<&str> = places.map(|place| place.secret.as_str()).collect();
            names.dedup();
            names
        };
        let left = named(|state| matches!(state, State::Left { .. }));
        let flags: Vec<String> = left.iter().map(|name| format!("--replace {name}")).collect();
        let lines = [
            ("written", named(|state| matches!(state, State::Written { .. }))),
            (
                "not stored as the cluster has it",
                named(|state| matches!(state, State::New { .. } | State::Stale { .. })),
            ),
            ("left alone until a person says otherwise", left),
            ("for you to store", named(|state| matches!(state, State::ByHand { .. }))),
            (
                "cannot be told or written",
                named(|state| matches!(state, State::Failed { .. })),
            ),
        ];
        let lines = lines.into_iter().filter(|(_, names)| !names.is_empty());
        let mut said: Vec<String> = lines
            .map(|(words, names)| format!("{words}: {}", names.join(", ")))
            .collect();
        if !flags.is_empty() {
            said.push(format!(
                "to store what the cluster has all the same: {}",
                flags.join(" ")
            ));
        }
        match self.needed.len() {
            0 => {}
            1 => said.push("1 Secret that a restore will need is not in the runbook".to_owned()),
            count => said.push(format!(
                "{count} Secrets that a restore will need are not in the runbook"
            )),
        }
        match (&self.manifest, &self.before) {
            (Some(kept), _) if kept.written => said.push(format!("the manifest is {}", kept.place)),
            (_, Some(before)) => said.push(format!("captured last by {before}")),
            _ => {}
        }
        if self.is_current() {
            let all = self.places.len();
            said.push(format!("all {all} places hold what {} has", self.server));
        } else if !self.writes && self.can_be_written() {
            said.push("nothing was written: --write does".to_owned());
        } else if !self.writes {
            said.push("nothing was written".to_owned());
        }
        said
    }
}

fn row(name: &str, place: &Captured) -> [String; 5] {
    let (is, version, keys) = match &place.state {
        State::Same { version } => ("same", version.clone(), String::new()),
        State::New { keys } => (
            "new",
            String::new(),
            signed(&Differs {
                new: keys.clone(),
                ..Differs::default()
            }),
        ),
        State::Stale { version, differs } => ("stale", version.clone(), signed(differs)),
        State::Left { version, differs, .. } => ("LEFT ALONE", version.clone(), signed(differs)),
        State::Written { version, differs } => ("written", version.clone(), signed(differs)),
        State::Absent => ("not there, optional", String::new(), String::new()),
        State::Kept => ("same, kept by hand", String::new(), String::new()),
        State::ByHand { .. } => ("BY HAND", String::new(), String::new()),
        State::Failed { how, .. } => (how.word(), String::new(), String::new()),
    };
    let place = format!("{} {}", place.store, place.path);
    [name.to_owned(), place, is.to_owned(), short(&version), keys]
}

/// Versions of AWS are UUIDs, of which the beginning tells two apart.
fn short(version: &str) -> String {
    version.chars().take(8).collect()
}

/// Writes keys with what becomes of them in the store: `+` new, `~` another value, `-` gone.
fn signed(differs: &Differs) -> String {
    let sign = |sign: char, keys: &[String]| keys.iter().map(|key| format!("{sign}{key}")).collect::<Vec<_>>();
    let all = [
        sign('+', &differs.new),
        sign('~', &differs.changed),
        sign('-', &differs.gone),
    ];
    all.concat().join(" ")
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn capture(states: &[State]) -> Capture {
        Capture {
            runbook: "shop".into(),
            at: Timestamp::UNIX_EPOCH,
            server: "https://10.0.0.7:6443".into(),
            writes: false,
            places: states
                .iter()
                .enumerate()
                .map(|(at, state)| Captured {
                    secret: format!("secret-{at}"),
                    store: "vault".into(),
                    path: format!("dr/{at}"),
                    state: state.clone(),
                })
                .collect(),
            needed: Vec::new(),
            unknown: None,
            findings: Vec::new(),
            before: None,
            manifest: None,
        }
    }

    #[test]
    fn each_place_is_told_and_what_is_to_be_done_about_it() {
        let differs = || Differs {
            new: vec!["a".into()],
            changed: vec!["b".into()],
            gone: vec!["c".into()],
        };
        let version = || "3".to_owned();
        let told = capture(&[
            State::Same { version: version() },
            State::Stale {
                version: version(),
                differs: differs(),
            },
            State::Left {
                version: version(),
                why: "it may be newer".into(),
                differs: differs(),
            },
            State::ByHand {
                why: "store env is only read".into(),
            },
        ]);
        let text = told.to_string();
        for words in [
            "SECRET    PLACE       IS          VERSION  KEYS",
            "secret-0  vault dr/0  same        3\n",
            "secret-1  vault dr/1  stale       3        +a ~b -c",
            "secret-2  vault dr/2  LEFT ALONE  3        +a ~b -c",
            "secret-2: dr/2 in store vault is left alone: it may be newer",
            "secret-3: dr/3 in store vault is for you to keep: store env is only read",
            "not stored as the cluster has it: secret-1",
            "--replace secret-2",
            "for you to store: secret-3",
            "nothing was written\n",
        ] {
            assert!(text.contains(words), "“{words}” is not in\n{text}");
        }
        assert!(!told.is_current() && !told.can_be_written());
        let well = capture(&[State::Same { version: version() }, State::Absent, State::Kept]);
        assert!(
            well.is_current()
                && well
                    .to_string()
                    .contains("all 3 places hold what https://10.0.0.7:6443 has")
        );
        let stale = capture(&[State::New { keys: vec!["a".into()] }]);
        assert!(!stale.is_current() && stale.can_be_written());
        assert!(
            stale.to_string().ends_with("nothing was written: --write does\n"),
            "{stale}"
        );
    }
}
