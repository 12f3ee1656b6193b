//! Whether the windows of a project let an app be synced now.

use jiff::Timestamp;
use serde_json::Value;

use super::matching::applies;
use super::read::{Window, words};
use crate::platform::argocd::application::{Application, items, text};

/// How many times windows are followed in search of a time at which they let an app through.
const TURNS: usize = 100;

/// Why an app may not be synced now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// What holds it back, with the project and the window, and until when.
    pub reason: String,
    /// When it may be synced again; `None` where that is never, or not within a foreseeable time.
    pub until: Option<Timestamp>,
    /// Whether a sync that a person starts is let through.
    pub lets_people: bool,
}

/// Says whether a project's windows hold an automated sync of an app back now; `None` where they let it through.
///
/// The rule is Argo CD's (`SyncWindows.CanSync`): a window that denies and is open holds everything back; otherwise one that allows
/// and is open lets it through; otherwise one that allows and is not open holds it back. A window that cannot be read holds back all
/// that it applies to.
pub fn closed(app: Application<'_>, project: &Value, now: Timestamp) -> Option<Closed> {
    let written: Vec<_> = items(project, "/spec/syncWindows")
        .filter(|window| applies(window, app))
        .collect();
    let name = text(project, "/metadata/name");
    let mut windows = Vec::with_capacity(written.len());
    for window in &written {
        match Window::read(window, now) {
            Some(read) => windows.push(read),
            None => {
                return Some(Closed {
                    reason: format!(
                        "held back by project `{name}`: its sync window {} cannot be read, and while that is so nothing is synced; mend it",
                        words(window)
                    ),
                    until: None,
                    lets_people: false,
                });
            }
        }
    }
    let holding = holder(&windows, now)?;
    let mut until = Some(now);
    for _ in 0..TURNS {
        until = until.and_then(|at| windows.iter().filter_map(|window| window.turns(at)).min());
        if until.is_none_or(|at| holder(&windows, at).is_none()) {
            break;
        }
    }
    let until = until.filter(|at| holder(&windows, *at).is_none());
    let when = until.map_or_else(|| "with no end in sight".to_owned(), |until| format!("until {until}"));
    let lets_people = may_be_started(&windows, now);
    let by_hand = if lets_people {
        "; a sync started by hand is let through"
    } else {
        ""
    };
    Some(Closed {
        reason: format!(
            "held back {when} by project `{name}`: its sync window {}{by_hand}",
            words(written[holding])
        ),
        until,
        lets_people,
    })
}

/// Returns the window that holds syncs back at a time, by its index.
fn holder(windows: &[Window], at: Timestamp) -> Option<usize> {
    let denies = windows.iter().position(|window| window.denies && window.is_open(at));
    let allows = || windows.iter().any(|window| !window.denies && window.is_open(at));
    denies.or_else(|| {
        let closed = windows.iter().position(|window| !window.denies);
        closed.filter(|_| !allows())
    })
}

/// Whether a person may start a sync all the same: all that hold it back let them.
fn may_be_started(windows: &[Window], at: Timestamp) -> bool {
    let is_denied = windows.iter().any(|window| window.denies && window.is_open(at));
    let mut holding = windows
        .iter()
        .filter(|window| window.denies == is_denied && (!is_denied || window.is_open(at)));
    holding.all(|window| window.lets_people)
}
