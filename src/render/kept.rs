//! What was rendered, kept for the next time.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::charts::{digest_of, write};
use super::{Error, Form, Rendered};
use crate::finding::{Finding, Place, Severity};
use crate::object::{Manifest, Origin};

/// Raised when what is kept is written otherwise, or rendering comes to something else.
const FORMAT: u32 = 2;

/// The rules of findings that are kept.
const RULES: [&str; 9] = [
    "render/chart-kept",
    "render/duplicate",
    "render/empty",
    "render/not-an-object",
    "render/not-json",
    "render/not-text",
    "render/not-yaml",
    "render/pattern",
    "render/substitution",
];

/// What all of it comes from; whatever changes the result is in here.
#[derive(Serialize)]
pub(super) struct Key<'job> {
    /// What is rendered, its commits included.
    pub(super) job: &'job super::Job,
    /// What the program says of itself.
    pub(super) program: String,
    /// The digest of a chart's archive.
    pub(super) chart: Option<String>,
    /// What the agent adds to `kustomize build`.
    pub(super) options: &'job str,
    /// How many bytes a folder may have.
    pub(super) combined: u64,
}

/// A place for one result.
#[derive(Clone)]
pub(super) struct Kept(PathBuf);

impl Kept {
    pub(super) fn of(cache: &Path, key: &Key<'_>) -> Option<Self> {
        let text = serde_json::to_vec(&(FORMAT, key)).ok()?;
        let digest = digest_of(&text);
        Some(Self(cache.join("manifests").join(&digest[..2]).join(&digest[2..])))
    }

    /// Returns the result; `None` where there is none, or what is there is not what was written.
    pub(super) fn get(&self) -> Option<Rendered> {
        read(&self.0)
    }

    /// Keeps a result.
    pub(super) fn put(&self, rendered: &Rendered) -> Result<(), Error> {
        let text = serde_json::to_vec(&Written::of(rendered)).unwrap_or_default();
        let mut bytes = digest_of(&text).into_bytes();
        bytes.push(b'\n');
        bytes.extend_from_slice(&text);
        write(&self.0, &bytes)
    }
}

fn read(file: &Path) -> Option<Rendered> {
    let bytes = fs::read(file).ok()?;
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let (digest, text) = (&bytes[..end], &bytes[end + 1..]);
    if digest_of(text).as_bytes() != digest {
        return None;
    }
    serde_json::from_slice::<Written>(text).ok()?.rendered()
}

#[derive(Serialize, Deserialize)]
struct Written {
    form: Form,
    digest: String,
    version: Option<String>,
    asks: bool,
    manifests: Vec<(Value, String, usize)>,
    hooks: Vec<(Value, String, usize)>,
    findings: Vec<Found>,
}

#[derive(Serialize, Deserialize)]
struct Found {
    rule: String,
    severity: u8,
    message: String,
    place: Option<(String, usize, usize, usize)>,
    help: Option<String>,
}

const SEVERITIES: [Severity; 3] = [Severity::Note, Severity::Warning, Severity::Error];

impl Written {
    fn of(rendered: &Rendered) -> Self {
        let objects = |manifests: &[Manifest]| {
            let each = |manifest: &Manifest| {
                let Origin { file, line } = manifest.origin();
                (manifest.value().clone(), file.clone(), *line)
            };
            manifests.iter().map(each).collect()
        };
        let found = |finding: &Finding| Found {
            rule: finding.rule.to_owned(),
            severity: finding.severity as u8,
            message: finding.message.clone(),
            place: finding
                .place
                .clone()
                .map(|place| (place.file, place.line, place.column, place.length)),
            help: finding.help.clone(),
        };
        Self {
            form: rendered.form,
            digest: rendered.digest.clone(),
            version: rendered.version.clone(),
            asks: rendered.asks,
            manifests: objects(&rendered.manifests),
            hooks: objects(&rendered.hooks),
            findings: rendered.findings.iter().map(found).collect(),
        }
    }

    fn rendered(self) -> Option<Rendered> {
        let objects = |written: Vec<(Value, String, usize)>| -> Option<Vec<Manifest>> {
            let each = |(value, file, line)| Manifest::new(value, Origin { file, line }).ok();
            written.into_iter().map(each).collect()
        };
        let found = |found: Found| {
            let place = found.place.map(|(file, line, column, length)| Place {
                file,
                line,
                column,
                length,
            });
            Some(Finding {
                severity: *SEVERITIES.get(usize::from(found.severity))?,
                place,
                help: found.help,
                ..Finding::error(RULES.into_iter().find(|rule| *rule == found.rule)?, found.message)
            })
        };
        Some(Rendered {
            form: self.form,
            digest: self.digest,
            version: self.version,
            asks: self.asks,
            manifests: objects(self.manifests)?,
            hooks: objects(self.hooks)?,
            findings: self.findings.into_iter().map(found).collect::<Option<_>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::render::collect::place;

    fn rendered() -> Rendered {
        let object = json!({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "a"}});
        let origin = Origin {
            file: "a.yaml".to_owned(),
            line: 3,
        };
        let manifest = Manifest::new(object, origin).unwrap();
        Rendered {
            form: Form::Helm,
            manifests: vec![manifest.clone()],
            hooks: vec![manifest],
            digest: "sha256:1".to_owned(),
            findings: RULES
                .into_iter()
                .map(|rule| Finding::warning(rule, "so").at(place("a", 1, 2)).help("mend it"))
                .collect(),
            version: Some("1.0.0".to_owned()),
            asks: true,
        }
    }

    #[test]
    fn what_is_kept_is_given_back_as_it_was_and_what_was_damaged_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept(folder.path().join("a/b"));
        assert!(read(&kept.0).is_none());
        kept.put(&rendered()).unwrap();
        let back = read(&kept.0).unwrap();
        assert_eq!(format!("{back:?}"), format!("{:?}", rendered()));
        let text = fs::read_to_string(&kept.0).unwrap();
        fs::write(&kept.0, text.replace("Namespace", "Namespacd")).unwrap();
        assert!(read(&kept.0).is_none());
        fs::write(&kept.0, &text[..text.len() - 1]).unwrap();
        assert!(read(&kept.0).is_none());
    }

    /// A rule that is not in the table would make every entry with it be rendered anew.
    #[test]
    fn every_rule_of_a_rendering_can_be_kept() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/render");
        for file in [
            "directory.rs",
            "collect.rs",
            "renderer.rs",
            "charts/fetch.rs",
            "charts/dependencies.rs",
            "flux/substitute.rs",
        ] {
            let text = fs::read_to_string(folder.join(file)).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap();
            for rule in text.split("\"render/").skip(1) {
                let rule = format!("render/{}", rule.split('"').next().unwrap());
                assert!(RULES.contains(&rule.as_str()), "{file}: {rule}");
            }
        }
    }
}
