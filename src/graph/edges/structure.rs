//! An object comes with its app, and an app is well when its objects are.

use super::super::draft::{Draft, Written};
use super::super::edge::Firmness;
use super::super::reason::Reason;
use super::super::whole::Whole;

/// Joins apps and their objects. A child app that nothing judges is well for its parent as soon as it is there.
pub(super) fn draw<'p>(whole: &Whole<'p>, draft: &mut Draft<'p>) {
    let mut apps = std::collections::HashSet::new();
    for app in 0..whole.apps.len() {
        apps.insert(draft.app(whole, app));
    }
    for subject in &whole.subjects {
        let (app, object) = (draft.app(whole, subject.app), draft.of(subject));
        draft.must(object.exists(), app.exists(), Reason::PartOf, subject);
        let is_awaited = whole.children_are_awaited || !apps.contains(&object);
        let well = if is_awaited { object.healthy() } else { object.exists() };
        draft.must(app.healthy(), well, Reason::Contains, subject);
    }
    // A child that its parent's sources do not hold was made by a set.
    for (index, one) in whole.apps.iter().enumerate() {
        let Some(parent) = one.parent.filter(|parent| *parent < whole.apps.len()) else {
            continue;
        };
        let (app, parent) = (draft.app(whole, index), draft.app(whole, parent));
        let place = || Written::App(index);
        draft.wait(
            app.exists(),
            parent.exists(),
            Reason::PartOf,
            Firmness::Mandatory,
            place(),
        );
        let well = if whole.children_are_awaited {
            app.healthy()
        } else {
            app.exists()
        };
        draft.wait(parent.healthy(), well, Reason::Contains, Firmness::Mandatory, place());
    }
}
