//! The Applications of one set.

use std::sync::Arc;

use serde_json::Value;

use super::folder::Laid;
use super::walk::Ground;
use crate::object::Manifest;
use crate::platform::argocd::sets::{Facts, Folder, Generated, generate, text};
use crate::render;

/// How often a set may need more. Each time something new is known; a matrix of a matrix needs four.
const ROUNDS: usize = 12;

/// Generates a set, and finds out what that needs.
pub(super) async fn generated(ground: &Ground, set: &Manifest) -> Result<Vec<Manifest>, Vec<String>> {
    let mut facts = Facts {
        clusters: ground.clusters.clone(),
        ..Facts::default()
    };
    let mut value = set.value().clone();
    if set.text("/metadata/namespace").is_empty() {
        value["metadata"]["namespace"] = ground.namespace.clone().into();
    }
    for _ in 0..ROUNDS {
        // Generators read whole repositories.
        let work = move || (generate(&value, &facts), value, facts);
        let done = tokio::task::spawn_blocking(work).await;
        let Ok((generated, same, known)) = done else {
            return Err(vec![
                "its generators broke off; this is a mistake in gitops-dr".to_owned(),
            ]);
        };
        (value, facts) = (same, known);
        match generated {
            Generated::Applications(applications) => return Ok(manifests(applications, set)),
            Generated::Unknown(why) => return Err(why),
            Generated::Needs(needs) => {
                for place in needs.places {
                    let found = ground.repositories.at(&place.repository, &place.revision).await;
                    let folder = found.map(|found| Arc::new(Laid(found.checkout.directory)) as Arc<dyn Folder>);
                    facts.places.insert(place, folder);
                }
                let texts: Vec<_> = needs.texts.into_iter().collect();
                if !texts.is_empty() {
                    let asked: Vec<_> = texts
                        .iter()
                        .map(|asked| (asked.template.as_str(), asked.parameters.as_str()))
                        .collect();
                    let rendered = render::templates(&asked, text::DEFINITIONS, &ground.renderer)
                        .await
                        .map_err(|error| vec![format!("its templates cannot be rendered: {}", error.line())])?;
                    facts.texts.extend(texts.into_iter().zip(rendered.into_iter().map(Ok)));
                }
            }
        }
    }
    Err(vec!["its generators do not come to an end".to_owned()])
}

fn manifests(applications: Vec<Value>, set: &Manifest) -> Vec<Manifest> {
    let all = applications.into_iter();
    all.filter_map(|application| Manifest::new(application, set.origin().clone()).ok())
        .collect()
}
