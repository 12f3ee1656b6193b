//! A graph while its rules draw it.

use std::borrow::Cow;
use std::collections::HashMap;

use super::edge::{Firmness, When};
use super::node::Place;
use super::reason::Reason;
use super::whole::{Subject, Whole};

/// What the rules have drawn so far.
#[derive(Debug, Default)]
pub struct Draft<'p> {
    pub(super) objects: Vec<Key<'p>>,
    numbers: HashMap<Key<'p>, usize>,
    pub(super) gates: Vec<Gate<'p>>,
    gate_numbers: HashMap<Gate<'p>, usize>,
    pub(super) waits: Vec<Wait>,
    /// Of each subject its object, once it was asked for.
    of: Vec<Option<Object>>,
}

/// The identity of an object across clusters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key<'p> {
    pub(super) cluster: &'p str,
    pub(super) group: &'p str,
    pub(super) kind: &'p str,
    pub(super) namespace: &'p str,
    pub(super) name: Cow<'p, str>,
}

/// An object in a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Object(pub(super) usize);

/// Something that happens: to an object, or to many of them together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Point {
    /// To one object.
    Object(Object, When),
    /// A [gate](Gate) opens.
    Gate(usize),
}

/// What many wait for and what waits for many goes through a gate, so that a thousand objects in each of two waves are two thousand
/// edges and not a million.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gate<'p> {
    /// The rule that it belongs to.
    pub rule: &'static str,
    /// The app or the object that it is about, by its place in the whole; 0 where it is about none.
    pub about: usize,
    /// Whether it is one of a sync of that app.
    pub is_sync: bool,
    /// What else tells it from others, in an order that is its own.
    pub key: (i64, Cow<'p, str>, Cow<'p, str>, Cow<'p, str>),
}

/// That one thing waits for another.
#[derive(Debug, Clone)]
pub(super) struct Wait {
    pub(super) later: Point,
    pub(super) earlier: Point,
    pub(super) reason: Reason,
    pub(super) firmness: Firmness,
    pub(super) place: Written,
}

/// Where a rule read what it draws.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// In an object, by its place in [`Whole::subjects`].
    Subject(usize),
    /// In the object of an app, by its place in [`Whole::apps`].
    App(usize),
    /// Elsewhere.
    At(Place),
}

impl Object {
    /// That it is there.
    pub fn exists(self) -> Point {
        Point::Object(self, When::Exists)
    }

    /// That it is well.
    pub fn healthy(self) -> Point {
        Point::Object(self, When::Healthy)
    }
}

impl<'p> Draft<'p> {
    /// Returns an object by its identity, whether something brings it or not.
    pub fn object(
        &mut self,
        cluster: &'p str,
        (group, kind): (&'p str, &'p str),
        namespace: &'p str,
        name: impl Into<Cow<'p, str>>,
    ) -> Object {
        let name = name.into();
        let key = Key {
            cluster,
            group,
            kind,
            namespace,
            name,
        };
        if let Some(number) = self.numbers.get(&key) {
            return Object(*number);
        }
        self.objects.push(key.clone());
        self.numbers.insert(key, self.objects.len() - 1);
        Object(self.objects.len() - 1)
    }

    /// Returns an object that an app brings.
    pub fn of(&mut self, subject: &Subject<'p>) -> Object {
        if let Some(Some(object)) = self.of.get(subject.index) {
            return *object;
        }
        let object = self.object(
            subject.cluster,
            (subject.group, subject.kind),
            subject.namespace,
            subject.name,
        );
        if self.of.len() <= subject.index {
            self.of.resize(subject.index + 1, None);
        }
        self.of[subject.index] = Some(object);
        object
    }

    /// Returns an app, which is an object of the cluster that its parent deploys to.
    pub fn app(&mut self, whole: &Whole<'p>, app: usize) -> Object {
        let one = &whole.apps[app];
        let cluster = one
            .parent
            .and_then(|parent| whole.apps.get(parent))
            .map_or("", |parent| parent.cluster.as_str());
        self.object(
            cluster,
            (&one.id.group, &one.id.kind),
            &one.id.namespace,
            one.id.name.as_str(),
        )
    }

    /// Returns a gate.
    pub fn gate(&mut self, gate: Gate<'p>) -> Point {
        if let Some(number) = self.gate_numbers.get(&gate) {
            return Point::Gate(*number);
        }
        self.gates.push(gate.clone());
        self.gate_numbers.insert(gate, self.gates.len() - 1);
        Point::Gate(self.gates.len() - 1)
    }

    /// Says that one thing waits for another. What would wait for itself is passed over.
    pub fn wait(&mut self, later: Point, earlier: Point, reason: Reason, firmness: Firmness, place: Written) {
        let is_itself = match (later, earlier) {
            (Point::Object(one, _), Point::Object(other, _)) => one == other && reason != Reason::Grows,
            (one, other) => one == other,
        };
        if !is_itself {
            self.waits.push(Wait {
                later,
                earlier,
                reason,
                firmness,
                place,
            });
        }
    }

    /// Says that something always waits for something else, as an object says.
    pub fn must(&mut self, later: Point, earlier: Point, reason: Reason, by: &Subject<'p>) {
        self.wait(later, earlier, reason, Firmness::Mandatory, Written::Subject(by.index));
    }

    /// Says that something may have to wait for something else, as an object says.
    pub fn may(&mut self, later: Point, earlier: Point, reason: Reason, by: &Subject<'p>) {
        self.wait(
            later,
            earlier,
            reason,
            Firmness::Conditional,
            Written::Subject(by.index),
        );
    }

    /// Says that something had better wait for something else, as an object says.
    pub fn better(&mut self, later: Point, earlier: Point, reason: Reason, by: &Subject<'p>) {
        self.wait(later, earlier, reason, Firmness::Optional, Written::Subject(by.index));
    }
}
