//! The variables that an agent replaces in what it is told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Variables by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Returns the value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Sets the variables that name what is rendered: a commit, or the version of a chart, which may be known only when a range
    /// was resolved. They are Argo CD's (`newEnv` in `reposerver/repository`).
    pub fn at_revision(&mut self, revision: &str) {
        let short = |length: usize| revision.get(..length).unwrap_or(revision);
        for (name, value) in [
            ("ARGOCD_APP_REVISION", revision),
            ("ARGOCD_APP_REVISION_SHORT", short(7)),
            ("ARGOCD_APP_REVISION_SHORT_8", short(8)),
        ] {
            self.0.insert(name.to_owned(), value.to_owned());
        }
    }

    /// Replaces `$NAME` and `${NAME}` as Go's `os.Expand` does, by which Argo CD reads them (`Env.Envsubst`): `$$` is a dollar,
    /// what is not known is empty, and so is what cannot be a name.
    pub fn expand(&self, text: &str) -> String {
        let mut expanded = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            expanded.push_str(before);
            if after.is_empty() {
                expanded.push('$');
                return expanded;
            }
            let (name, length) = name(after);
            match name {
                Some("$") => expanded.push('$'),
                Some(name) => expanded.push_str(self.get(name).unwrap_or_default()),
                // A dollar that nothing follows which could be a name stays; a brace that does not close is eaten.
                None if length == 0 => expanded.push('$'),
                None => {}
            }
            rest = &after[length..];
        }
        expanded.push_str(rest);
        expanded
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let variables = variables.into_iter();
        Self(variables.map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// Returns the name at the beginning of a text, and how many bytes it takes up (`getShellName` of Go's `os`).
fn name(text: &str) -> (Option<&str>, usize) {
    let is_special = |byte: u8| b"*#$@!?-0123456789".contains(&byte);
    let bytes = text.as_bytes();
    if bytes[0] == b'{' {
        if bytes.len() > 2 && is_special(bytes[1]) && bytes[2] == b'}' {
            return (Some(&text[1..2]), 3);
        }
        return match text.find('}') {
            Some(1) => (None, 2),
            Some(end) => (Some(&text[1..end]), end + 1),
            None => (None, 1),
        };
    }
    if is_special(bytes[0]) {
        return (Some(&text[..1]), 1);
    }
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    match bytes.iter().take_while(|byte| is_part(byte)).count() {
        0 => (None, 0),
        length => (Some(&text[..length]), length),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn variables_are_replaced_as_go_does() {
        let environment: Environment = [("NAME", "shop"), ("A_1", "x")].into_iter().collect();
        // Each was run through `os.Expand` with the mapping of Argo CD's `Envsubst`.
        for (text, expected) in [
            ("$NAME", "shop"),
            ("${NAME}-${A_1}.yaml", "shop-x.yaml"),
            ("a$NAME.b", "ashop.b"),
            ("$NAMES", ""),
            ("$$NAME", "$NAME"),
            ("$${NAME}", "${NAME}"),
            ("100$", "100$"),
            ("a$ b", "a$ b"),
            ("${}x", "x"),
            ("${NAME", "NAME"),
            ("$1x", "x"),
            ("${1}x", "x"),
            ("$ä", "$ä"),
            ("", ""),
        ] {
            assert_eq!(environment.expand(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_the_text_it_is_expanded(text in "[$a-z{}_0-9 é]{0,20}") {
            let none = Environment::default();
            let expanded = none.expand(&text);
            prop_assert!(expanded.len() <= text.len());
            if !text.contains('$') {
                prop_assert_eq!(expanded, text);
            }
        }
    }
}
