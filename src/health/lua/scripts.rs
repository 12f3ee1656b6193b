//! Scripts by what they judge.

use std::collections::BTreeMap;
use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};

use super::script::{Broken, Script};

/// Scripts that stand side by side: a name goes before a pattern.
#[derive(Debug, Default)]
pub(super) struct Scripts {
    named: BTreeMap<String, Arc<Script>>,
    /// In the order of their names, so that of two patterns that fit it is always the same that counts. With Argo CD it
    /// is either.
    patterns: Vec<(GlobMatcher, String)>,
    bad_patterns: Vec<Broken>,
}

impl Scripts {
    /// Takes scripts by name or pattern; `segments` tells whether a `*` ends at a `/`.
    pub(super) fn new(scripts: BTreeMap<String, Script>, segments: bool) -> Self {
        let mut all = Self::default();
        for (name, script) in scripts {
            if name.contains(['*', '?', '[', '{']) {
                match GlobBuilder::new(&name).literal_separator(segments).build() {
                    Ok(glob) => all.patterns.push((glob.compile_matcher(), name.clone())),
                    Err(error) => all.bad_patterns.push(Broken::new(&name, error.kind().to_string())),
                }
            }
            all.named.insert(name, Arc::new(script));
        }
        all
    }

    pub(super) fn find(&self, key: &str) -> Option<&Arc<Script>> {
        self.named.get(key).or_else(|| {
            let (_, name) = self.patterns.iter().find(|(glob, _)| glob.is_match(key))?;
            self.named.get(name)
        })
    }

    pub(super) fn count(&self) -> usize {
        self.named.len()
    }

    pub(super) fn given_up(&self) -> impl Iterator<Item = Broken> {
        let given_up = |(name, script): (&String, &Arc<Script>)| {
            let why = script.given_up()?;
            Some(Broken::new(name, why.to_string()))
        };
        self.named.iter().filter_map(given_up)
    }

    pub(super) fn broken(&self) -> impl Iterator<Item = Broken> {
        let scripts = self.named.iter().filter_map(|(name, script)| script.broken(name));
        scripts.chain(self.bad_patterns.iter().cloned())
    }
}
