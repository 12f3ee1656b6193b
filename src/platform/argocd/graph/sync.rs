//! In which order a sync goes through its app.

use std::collections::{BTreeMap, HashMap};

use super::kind_order::place;
use super::task::{Phase, phase, wave};
use crate::graph::{Draft, Firmness, Gate, Reason, Subject, Whole, Written, brings};
use crate::health;
use crate::platform::argocd::{GROUP, bundled};

/// When a sync reaches something: phase and wave.
type Turn = (Phase, i32);

/// Draws phases, waves and the order of kinds for each Application.
///
/// A wave is left when all of it is well that somebody judges: what nobody judges only has to be there. That holds for child apps,
/// too, which Argo CD judges only where its settings have a check for them.
pub(super) fn draw<'p>(whole: &Whole<'p>, draft: &mut Draft<'p>) {
    let mut of_app: HashMap<usize, Vec<&Subject<'p>>> = HashMap::new();
    for subject in &whole.subjects {
        of_app.entry(subject.app).or_default().push(subject);
    }
    for (app, subjects) in of_app {
        let is_application = whole
            .apps
            .get(app)
            .is_some_and(|one| one.id.group == GROUP && one.id.kind == "Application");
        if is_application {
            draw_app(whole, draft, app, &subjects);
        }
    }
}

fn draw_app<'p>(whole: &Whole<'p>, draft: &mut Draft<'p>, app: usize, subjects: &[&Subject<'p>]) {
    let mut turns: BTreeMap<Turn, BTreeMap<usize, Vec<&Subject<'p>>>> = BTreeMap::new();
    for (subject, (turn, place)) in subjects.iter().zip(turns_of(subjects)) {
        turns.entry(turn).or_default().entry(place).or_default().push(subject);
    }
    let gate = |draft: &mut Draft<'p>, rule: &'static str, turn: Turn, place: usize| {
        let (phase, wave) = turn;
        let number = i64::from(wave) * 64 + i64::try_from(place).unwrap_or_default();
        draft.gate(Gate {
            rule,
            about: app,
            is_sync: true,
            key: (number, phase.to_string().into(), "".into(), "".into()),
        })
    };
    let mut left: Option<(Turn, Vec<&Subject<'p>>)> = None;
    for (turn, kinds) in &turns {
        if let Some((before, objects)) = left.take() {
            let opens = gate(draft, "wave", *turn, 0);
            for object in objects {
                let (point, firmness) = is_left(whole, draft, object);
                let reason = reason(before, *turn);
                draft.wait(opens, point, reason, firmness, Written::Subject(object.index));
            }
            // What is there of the waves before that is only a gate itself.
            for object in kinds.values().flatten() {
                let point = draft.of(object).exists();
                draft.must(point, opens, reason(before, *turn), object);
            }
        }
        let mut last: Option<usize> = None;
        for (place, objects) in kinds {
            if let Some(last) = last {
                let opens = gate(draft, "kinds", *turn, *place);
                for object in &kinds[&last] {
                    let point = draft.of(object).exists();
                    draft.better(opens, point, Reason::KindOrder, object);
                }
                for object in objects {
                    let point = draft.of(object).exists();
                    draft.better(point, opens, Reason::KindOrder, object);
                }
            }
            last = Some(*place);
        }
        left = Some((*turn, kinds.values().flatten().copied().collect()));
    }
}

/// Returns for each object its turn and the place of its kind. A CRD comes no later than the first object that it defines, a
/// namespace no later than the first object in it (`adjustDeps`).
fn turns_of(subjects: &[&Subject<'_>]) -> Vec<(Turn, usize)> {
    let own = |subject: &Subject<'_>| {
        let turn = (phase(subject.manifest).unwrap_or(Phase::Sync), wave(subject.manifest));
        (turn, place(subject.kind))
    };
    let mut first_of_kind: HashMap<(&str, &str), (Turn, usize)> = HashMap::new();
    let mut first_in: HashMap<&str, (Turn, usize)> = HashMap::new();
    for subject in subjects {
        let turn = own(subject);
        let kind = first_of_kind.entry((subject.group, subject.kind)).or_insert(turn);
        *kind = (*kind).min(turn);
        let inside = first_in.entry(subject.namespace).or_insert(turn);
        *inside = (*inside).min(turn);
    }
    let adjusted = |subject: &&Subject<'_>| {
        let first = match brings(subject.manifest) {
            Some(kind) => first_of_kind.get(&kind),
            None if subject.is("", "Namespace") => first_in.get(subject.name),
            None => None,
        };
        let own = own(subject);
        first.map_or(own, |first| own.min(*first))
    };
    subjects.iter().map(adjusted).collect()
}

fn reason(before: Turn, turn: Turn) -> Reason {
    if before.0 == turn.0 {
        Reason::Wave(turn.1)
    } else {
        Reason::Phase(turn.0.to_string())
    }
}

/// Returns what has to happen to an object before its wave is left, and how sure it is that somebody looks.
fn is_left<'p>(whole: &Whole<'p>, draft: &mut Draft<'p>, subject: &Subject<'p>) -> (crate::graph::Point, Firmness) {
    let object = draft.of(subject);
    match (subject.group, subject.kind) {
        (GROUP, "Application") if whole.children_are_awaited => (object.healthy(), Firmness::Mandatory),
        // A set is well for Argo CD as soon as its apps are there.
        (GROUP, "Application" | "ApplicationSet") => (object.exists(), Firmness::Mandatory),
        (group, kind) if health::has_check(group, kind) => (object.healthy(), Firmness::Mandatory),
        ("apiextensions.k8s.io", _) => (object.healthy(), Firmness::Mandatory),
        (group, kind) if bundled::may_judge(group, kind) => (object.healthy(), Firmness::Conditional),
        _ => (object.exists(), Firmness::Mandatory),
    }
}
