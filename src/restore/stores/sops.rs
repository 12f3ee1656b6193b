//! Files that SOPS has encrypted.

use std::path::PathBuf;
use std::sync::Arc;

use super::plain::value;
use crate::event::Failure;
use crate::redact::Redactor;
use crate::runbook::{Plain, Sops, SopsKey, SopsPlace};
use crate::secrets::sops::{self, AgeKey, Place, Settings};
use crate::secrets::{Fetched, Store};

/// Makes the store. What it needs of `others` was made before.
pub(super) fn make(
    name: &str,
    sops: &Sops,
    others: &[Arc<dyn Store>],
    fetched: &Fetched,
    redactor: &Redactor,
) -> Result<Box<dyn Store>, Failure> {
    let variable = |variable: &str| value(name, &Plain::Env(variable.to_owned()));
    let place = match &sops.place {
        SopsPlace::Folder(folder) => Place::Folder(PathBuf::from(folder)),
        SopsPlace::Source(source) => Place::Source {
            name: source.clone(),
            fetched: fetched.clone(),
        },
    };
    let age_key = match &sops.age_key {
        None => None,
        Some(SopsKey::Env(name)) => Some(AgeKey::Given {
            key: variable(name)?,
            variable: name.clone(),
        }),
        Some(SopsKey::File(file)) => Some(AgeKey::File(PathBuf::from(file))),
        Some(SopsKey::Store { store, path, key }) => {
            let other = others.iter().find(|other| other.name() == store).ok_or_else(|| {
                Failure::new(format!(
                    "store {name}: its age key is kept in the store {store}, which is not there"
                ))
            })?;
            Some(AgeKey::Store {
                store: Arc::clone(other),
                path: path.clone(),
                key: key.clone(),
            })
        }
    };
    let environment = sops.env.iter().map(|name| Ok((name.clone(), variable(name)?)));
    let settings = Settings {
        name: name.to_owned(),
        place,
        path: sops.path.clone(),
        age_key,
        program: sops.program.clone(),
        gnupg_home: sops.gnupg_home.as_ref().map(PathBuf::from),
        environment: environment.collect::<Result<_, Failure>>()?,
    };
    Ok(Box::new(sops::Sops::new(settings, redactor)))
}
