//! Which commit is meant: names of branches and tags against what a server has.

use super::{Kind, Wanted, version};

/// A branch, tag or `HEAD` of a server, with the hash that it has there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    /// The full name, such as `refs/heads/main`. `^{}` at its end: the commit behind an annotated tag.
    pub(super) name: String,
    /// The hash of the commit or of the annotated tag.
    pub(super) hash: String,
}

/// Finds the name under which a revision can be asked for, or `None` where a commit is at the tip of nothing.
///
/// A branch goes before a tag of the same name, as in Argo CD, and what is neither may be a range of versions among the tags.
pub(super) fn find<'heads>(wanted: &Wanted, heads: &'heads [Head]) -> Option<&'heads Head> {
    let named = |name: &str| heads.iter().find(|head| head.name == name);
    match wanted {
        Wanted::Pinned(hash) => heads.iter().find(|head| head.hash.eq_ignore_ascii_case(hash)),
        Wanted::Follow(name) => named(name)
            .filter(|head| head.name == "HEAD" || head.name.starts_with("refs/"))
            .or_else(|| named(&format!("refs/heads/{name}")))
            .or_else(|| named(&format!("refs/tags/{name}")))
            .or_else(|| {
                let tags = heads.iter().filter_map(|head| head.name.strip_prefix("refs/tags/"));
                let newest = version::newest(name, tags.filter(|tag| !tag.ends_with("^{}")))?;
                named(&format!("refs/tags/{newest}"))
            }),
    }
}

/// Says that there is no such revision, with what was perhaps meant.
pub(super) fn missing(wanted: &Wanted, heads: &[Head]) -> Kind {
    let mut names: Vec<&str> = heads.iter().filter_map(short).collect();
    names.dedup();
    let (said, near) = match wanted {
        Wanted::Pinned(hash) => (format!("commit {hash}"), Vec::new()),
        Wanted::Follow(name) => (format!("branch or tag `{name}`"), similar(name, &names)),
    };
    Kind::NoSuchRevision {
        wanted: said,
        near,
        others: names.iter().take(8).map(|name| (*name).to_owned()).collect(),
    }
}

/// Returns a branch or tag as people write it.
fn short(head: &Head) -> Option<&str> {
    let name = head.name.trim_end_matches("^{}");
    name.strip_prefix("refs/heads/")
        .or_else(|| name.strip_prefix("refs/tags/"))
}

fn similar(wanted: &str, names: &[&str]) -> Vec<String> {
    let mut scored: Vec<(f64, &str)> = names
        .iter()
        .map(|name| {
            (
                strsim::jaro_winkler(&wanted.to_lowercase(), &name.to_lowercase()),
                *name,
            )
        })
        .filter(|(score, _)| *score > 0.8)
        .collect();
    scored.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    scored.iter().take(3).map(|(_, name)| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heads() -> Vec<Head> {
        [
            "HEAD 1",
            "refs/heads/main 1",
            "refs/heads/v1 2",
            "refs/tags/v1 3",
            "refs/tags/v2 4",
            "refs/tags/v2^{} 5",
        ]
        .map(|line| {
            let (name, hash) = line.split_once(' ').unwrap();
            Head {
                name: name.to_owned(),
                hash: hash.to_owned(),
            }
        })
        .to_vec()
    }

    #[test]
    fn names_are_found_as_argo_cd_finds_them() {
        for (name, found) in [
            ("main", "refs/heads/main"),
            ("HEAD", "HEAD"),
            ("v1", "refs/heads/v1"),
            ("refs/tags/v1", "refs/tags/v1"),
            ("v2", "refs/tags/v2"),
            (">=1 <2", "refs/tags/v1"),
            ("*", "refs/tags/v2"),
        ] {
            assert_eq!(find(&Wanted::Follow(name.to_owned()), &heads()).unwrap().name, found);
        }
        assert_eq!(
            find(&Wanted::Pinned("5".to_owned()), &heads()).unwrap().name,
            "refs/tags/v2^{}"
        );
        assert_eq!(find(&Wanted::Pinned("9".to_owned()), &heads()), None);
    }

    #[test]
    fn a_missing_name_comes_with_what_was_perhaps_meant() {
        let told = |name: &str, heads: &[Head]| missing(&Wanted::Follow(name.to_owned()), heads).to_string();
        assert_eq!(
            told("mian", &heads()),
            "there is no branch or tag `mian`; did you mean `main`?"
        );
        assert_eq!(
            told("zzz", &heads()),
            "there is no branch or tag `zzz`; it has `main`, `v1`, `v2`"
        );
        assert_eq!(
            told("main", &[]),
            "there is no branch or tag `main`; the repository is empty"
        );
    }
}
