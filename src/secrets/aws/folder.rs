//! A whole folder of secrets: those whose names begin with a path that ends in a slash, and have no further slash.
//!
//! AWS knows no folders, and lists names of which a list may be some moments old.
//! Source: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecrets.html>.

use std::collections::VecDeque;

use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType};

use super::client::Aws;
use super::explain::{Asked, Trouble};
use super::region::Region;
use crate::secrets::folder::{few_enough, together, unpinned};
use crate::secrets::parallel::read_each;
use crate::secrets::store::IN_FLIGHT;
use crate::secrets::{Error, ErrorKind, Stored, Wanted};

/// The right to list secrets.
pub(super) const LIST: &str = "secretsmanager:ListSecrets";

/// As many as AWS gives at a time.
const PAGE: i32 = 100;

impl Aws {
    /// Reads one folder.
    pub(super) async fn read_folder(&self, path: &str, version: Option<&str>) -> Result<Stored, Error> {
        let names = Box::pin(self.names_of(path, version)).await?;
        let wanted: Vec<Wanted<'_>> = names.iter().map(|path| Wanted { path, version: None }).collect();
        let read = self.read_by_batches(&wanted).await;
        self.folded(path, &names, read.into_iter())
    }

    /// Reads many secrets, of which some are folders: the secrets of these are in the batches with all others.
    pub(super) async fn read_with_folders(&self, wanted: &[Wanted<'_>]) -> Vec<Result<Stored, Error>> {
        let folders = wanted.iter().filter(|wanted| wanted.path.ends_with('/'));
        let lists = folders.map(|folder| self.names_of(folder.path, folder.version));
        let lists = read_each(lists.collect(), IN_FLIGHT).await;
        let single = wanted.iter().filter(|wanted| !wanted.path.ends_with('/')).copied();
        let listed = lists.iter().flatten().flatten();
        let all: Vec<Wanted<'_>> = single
            .chain(listed.map(|path| Wanted { path, version: None }))
            .collect();
        let mut read = VecDeque::from(self.read_by_batches(&all).await);
        let mut singles = read.drain(..wanted.len() - lists.len()).collect::<VecDeque<_>>();
        let mut lists = lists.into_iter();
        let answers = wanted.iter().filter_map(|wanted| {
            if !wanted.path.ends_with('/') {
                return singles.pop_front();
            }
            Some(match lists.next()? {
                Err(error) => Err(error),
                Ok(names) => {
                    let of_folder: Vec<_> = read.drain(..names.len()).collect();
                    self.folded(wanted.path, &names, of_folder.into_iter())
                }
            })
        });
        answers.collect()
    }

    /// Makes one secret of those of a folder.
    fn folded(
        &self,
        folder: &str,
        names: &[String],
        read: impl Iterator<Item = Result<Stored, Error>>,
    ) -> Result<Stored, Error> {
        let within = names
            .iter()
            .map(|name| name.strip_prefix(folder).unwrap_or(name).to_owned());
        let bring_back = format!(
            "bring them back: `aws secretsmanager restore-secret --region {} --secret-id NAME`",
            self.primary().name
        );
        together(&self.name, folder, within.zip(read), bring_back)
    }

    /// Lists the secrets of a folder.
    async fn names_of(&self, folder: &str, version: Option<&str>) -> Result<Vec<String>, Error> {
        unpinned(&self.name, folder, version)?;
        let names = self.anywhere(|region| self.names_in(region, folder)).await?;
        few_enough(&self.name, folder, names.len())?;
        Ok(names)
    }

    /// Lists them in one region, in their order.
    async fn names_in(&self, region: &Region, folder: &str) -> Result<Vec<String>, Trouble> {
        let filter = Filter::builder().key(FilterNameStringType::Name).values(folder).build();
        let asked = Asked {
            action: LIST,
            path: folder,
            version: None,
            holds: None,
        };
        let request = region.client(self).await.list_secrets().filters(filter);
        let mut pages = request.into_paginator().page_size(PAGE).send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            let page = match page {
                Ok(page) => page,
                Err(error) => return Err(self.explain(region, asked, &error).await),
            };
            let page = page.secret_list.unwrap_or_default().into_iter();
            names.extend(page.filter_map(|entry| entry.name).filter(|name| is_in(folder, name)));
        }
        names.sort();
        if names.is_empty() {
            return Err(Trouble {
                error: self.no_folder(region, folder),
                passing: false,
            });
        }
        Ok(names)
    }

    fn no_folder(&self, region: &Region, folder: &str) -> Error {
        Error::new(
            ErrorKind::MissingPath,
            format!("{} has no secrets in the folder {folder}", self.store_in(region)),
        )
        .hint(format!(
            "see what is there: `aws secretsmanager list-secrets --region {} --filters Key=name,Values={folder}`; a path without a slash at its end is that of one secret",
            region.name
        ))
    }
}

/// Whether a secret lies in a folder, and in no folder of that.
fn is_in(folder: &str, name: &str) -> bool {
    name.strip_prefix(folder)
        .is_some_and(|rest| !rest.is_empty() && !rest.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_holds_what_begins_with_it_and_has_no_further_slash() {
        for (folder, name, expected) in [
            ("dr/", "dr/repo", true),
            ("dr/", "dr/deeper/repo", false),
            ("dr/", "dr/", false),
            ("dr/", "DR/repo", false),
            ("dr/", "other", false),
            ("/dr/", "/dr/repo", true),
            ("/dr/", "dr/repo", false),
            ("/", "/repo", true),
        ] {
            assert_eq!(is_in(folder, name), expected, "{folder} {name}");
        }
    }
}
