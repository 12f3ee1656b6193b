//! The keys of a mapping: unknown, missing, written twice, and the one that names its kind.

use super::super::shape::{Field, Kinds, Name, Record, Shape, list};
use super::super::tree::{Entry, Node, Span, Value};
use super::literal::may_be_secret;
use super::{Check, suggest};

impl Check<'_> {
    /// Checks a mapping with keys of ours; `key` is the entry that it is the value of.
    pub(super) fn record(&mut self, node: &Node, record: &Record, key: Option<&Entry>) {
        let Value::Map(entries) = &node.value else {
            return self.wrong(node, &format!("{} as a mapping", record.title), key);
        };
        self.duplicates(entries);
        let kinds: &[Field] = match &record.kinds {
            Kinds::Of(kinds) => kinds,
            Kinds::None | Kinds::Named { .. } => &[],
        };
        let known = || record.fields.iter().chain(kinds);
        let mut strangers = Vec::new();
        for entry in entries {
            match known().find(|field| field.name == entry.key) {
                Some(field) => self.value(&entry.value, &field.shape, Some(entry)),
                None if entry.key == "<<" => self.merge(entry),
                None => strangers.push(entry),
            }
        }
        let place = key.map_or_else(|| first(node), |entry| entry.span);
        if let Kinds::Named { whose, of } = record.kinds {
            return self.named(record, whose, of, &strangers, place);
        }
        let mut meant = Vec::new();
        for entry in &strangers {
            meant.extend(self.unknown(entry, known().map(|field| field.name)));
        }
        self.missing(node, record, &meant, place);
        if !kinds.is_empty() {
            self.kind(record, kinds, entries, strangers.is_empty(), place);
        }
    }

    /// Reports the keys that are not there, but for those that an unknown key was probably meant to be.
    fn missing(&mut self, node: &Node, record: &Record, meant: &[&str], place: Span) {
        let missing: Vec<&Field> = record
            .fields
            .iter()
            .filter(|field| field.required && node.get(field.name).is_none() && !meant.contains(&field.name))
            .collect();
        if let [first, ..] = missing.as_slice() {
            let names = missing
                .iter()
                .map(|field| format!("`{}`", field.name))
                .collect::<Vec<_>>()
                .join(" and ");
            let help = format!("`{}`: {}", first.name, first.doc);
            self.error(
                "runbook/missing-key",
                place,
                format!("{} needs {names}", record.title),
                help,
            );
        }
    }

    /// Checks that exactly one key names the kind.
    fn kind(&mut self, record: &Record, kinds: &[Field], entries: &[Entry], complete: bool, place: Span) {
        let mut found: Vec<&Entry> = Vec::new();
        for entry in entries {
            if kinds.iter().any(|kind| kind.name == entry.key) && !found.iter().any(|known| known.key == entry.key) {
                found.push(entry);
            }
        }
        let choice = list(kinds.iter().map(|kind| kind.name));
        match found.as_slice() {
            [_] => {}
            // An unknown key was probably meant to be the kind, and is reported.
            [] if !complete => {}
            [] => self.error(
                "runbook/no-kind",
                place,
                format!("{} is one of {choice}", record.title),
                None,
            ),
            [one, other, ..] => self.error(
                "runbook/several-kinds",
                other.span,
                format!(
                    "{} is one of {choice}, here it is `{}` and `{}`",
                    record.title, one.key, other.key
                ),
                "give each an entry of its own".to_owned(),
            ),
        }
    }

    /// Checks a mapping of which one key is a name: `{vault: dr/repo, version: 3}`.
    fn named(&mut self, record: &Record, whose: Name, of: &Shape, strangers: &[&Entry], place: Span) {
        let fields = || record.fields.iter().map(|field| field.name);
        let known = self.names.get(whose).map(<[String]>::to_vec);
        let mut names: Vec<&Entry> = Vec::new();
        let mut meant = false;
        for entry in strangers {
            let is_known = known.as_ref().is_some_and(|known| known.contains(&entry.key));
            if !is_known && suggest::nearest(&entry.key, fields()).is_some() {
                self.unknown(entry, fields());
                meant = true;
            } else {
                names.push(entry);
            }
        }
        for entry in &names {
            self.reference(&entry.key, whose, entry.span);
            self.value(&entry.value, of, Some(entry));
        }
        match names.as_slice() {
            [_] => {}
            [] if meant => {}
            [] => self.error(
                "runbook/no-kind",
                place,
                format!("{} names no {}", record.title, whose.noun()),
                "such as `{vault: path/of/the/secret}`".to_owned(),
            ),
            [one, other, ..] if one.key == other.key => {}
            [one, other, ..] => self.error(
                "runbook/several-kinds",
                other.span,
                format!(
                    "one {} is named here, not `{}` and `{}`",
                    whose.noun(),
                    one.key,
                    other.key
                ),
                "`from` is a list: give each an item of its own".to_owned(),
            ),
        }
    }

    /// Reports a key that is not known; returns the one that was probably meant.
    pub(super) fn unknown<'word>(
        &mut self,
        entry: &Entry,
        known: impl IntoIterator<Item = &'word str> + Clone,
    ) -> Option<&'word str> {
        let meant = suggest::nearest(&entry.key, known.clone());
        let help = suggest::among(&entry.key, known);
        // Nobody knows what it is: a key that was torn apart may have been `token`.
        if entry.value.written().is_some_and(may_be_secret) {
            self.hidden.hide(entry.value.span);
        }
        self.error(
            "runbook/unknown-key",
            entry.span,
            format!("unknown key `{}`", entry.key),
            help,
        );
        meant
    }

    /// Reports keys that are written twice.
    pub(super) fn duplicates(&mut self, entries: &[Entry]) {
        for (index, entry) in entries.iter().enumerate() {
            if let Some(first) = entries[..index].iter().find(|first| first.key == entry.key) {
                let message = format!("`{}` is written twice, first on line {}", entry.key, first.span.line);
                self.error("runbook/duplicate-key", entry.span, message, None);
            }
        }
    }

    /// Reports a merge key, which other parsers would read.
    pub(super) fn merge(&mut self, entry: &Entry) {
        self.error(
            "runbook/merge-key",
            entry.span,
            "merge keys are not read in a runbook",
            "write the keys out, so that the runbook can be read aloud".to_owned(),
        );
    }
}

/// Returns the place of the first key of a mapping, or of an empty mapping itself.
fn first(node: &Node) -> Span {
    node.entries().first().map_or(node.span, |entry| entry.span)
}
