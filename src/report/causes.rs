//! What keeps a node from being ready, with each cause told once.

use crate::event::Blocker;

/// How many objects of one cause are named.
const NAMED: usize = 3;

/// A reason shorter than this may stand in another by chance.
const TELLING: usize = 12;

/// Returns the causes in their order, a line each. Objects with the same reason share a line, and what the node itself says is left
/// out where it only repeats an object's reason: the object is where a person has to look.
pub(super) fn causes(blockers: &[Blocker]) -> Vec<String> {
    let mut grouped: Vec<(&str, Vec<&str>)> = Vec::new();
    for blocker in blockers {
        let reason = blocker.reason.as_str();
        let repeats = |other: &Blocker| {
            !other.object.is_empty() && other.reason.len() >= TELLING && reason.contains(other.reason.as_str())
        };
        if blocker.object.is_empty() && blockers.iter().any(repeats) {
            continue;
        }
        match grouped.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, objects)) => objects.push(&blocker.object),
            None => grouped.push((reason, vec![&blocker.object])),
        }
    }
    grouped
        .into_iter()
        .map(|(reason, objects)| line(reason, objects))
        .collect()
}

fn line(reason: &str, mut objects: Vec<&str>) -> String {
    objects.retain(|object| !object.is_empty());
    let mut named: Vec<&str> = Vec::new();
    for object in objects {
        if !named.contains(&object) {
            named.push(object);
        }
    }
    let shown = named.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    match named.len().saturating_sub(NAMED) {
        _ if named.is_empty() => reason.to_owned(),
        0 => format!("{shown}: {reason}"),
        more => format!("{shown} and {more} more: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cause_of_many_objects_is_one_line_and_what_only_repeats_it_is_none() {
        let blocker = |(object, reason): &(&str, &str)| Blocker {
            object: (*object).into(),
            reason: (*reason).into(),
        };
        let quota = "exceeded quota: tight, requested: cpu=2";
        for (given, expected) in [
            (&[][..], &[][..]),
            (
                &[
                    ("Deployment.apps a/a", quota),
                    ("Deployment.apps a/b", quota),
                    ("", "sync failed: exceeded quota: tight, requested: cpu=2"),
                ],
                &["Deployment.apps a/a, Deployment.apps a/b: exceeded quota: tight, requested: cpu=2"],
            ),
            (
                &[
                    ("Pod a/1", quota),
                    ("Pod a/2", quota),
                    ("Pod a/3", quota),
                    ("Pod a/4", quota),
                    ("Pod a/4", quota),
                    ("Job a/x", "failed"),
                ],
                &[
                    "Pod a/1, Pod a/2, Pod a/3 and 1 more: exceeded quota: tight, requested: cpu=2",
                    "Job a/x: failed",
                ],
            ),
            (
                &[("", "the project does not permit it"), ("Pod a/1", "not")],
                &["the project does not permit it", "Pod a/1: not"],
            ),
            (&[("", "it waits"), ("", "it waits")], &["it waits"]),
        ] {
            let blockers: Vec<_> = given.iter().map(blocker).collect();
            assert_eq!(causes(&blockers), expected, "{given:?}");
        }
    }
}
