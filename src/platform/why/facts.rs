//! All that is known of live objects, joined: from an object that an app names down its chain of owners.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use super::cause::{Cause, Depth, End, Question, said};
use super::deadlock::{refusal, words};
use super::{Glance, Warning};
use crate::event::Blocker;
use crate::object::ObjectRef;
use crate::platform::live::Live;

/// How many causes of one object are told.
const TOLD: usize = 3;

/// How many warnings are kept: of a cluster that warns of everything, the newest.
const WARNINGS: usize = 5_000;

/// How many last words are kept before those of pods that are well or gone are forgotten.
const WORDS: usize = 100;

/// How long a chain of owners may be: from a pod to a `CronJob` are two, and some operators put two more on top.
const CHAIN: usize = 8;

/// What a change came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum News {
    /// Nothing that anybody would see.
    Nothing,
    /// Other words for the same state.
    Words,
    /// Something is well that was not, or no longer, or is known now.
    State,
}

/// All that is known of live objects.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    glances: BTreeMap<ObjectRef, Glance>,
    by_uid: HashMap<String, ObjectRef>,
    /// What an object made, by its UID.
    made: HashMap<String, BTreeSet<ObjectRef>>,
    /// The newest warning about an object (by UID) for each reason.
    warnings: BTreeMap<(String, String), Warning>,
    /// The last words of containers, kept for as long as their pod is there.
    words: HashMap<End, String>,
    /// The objects of which it was said that a webhook could not be asked about what they make.
    refused: BTreeSet<ObjectRef>,
    /// What must be judged anew.
    touched: BTreeSet<ObjectRef>,
}

impl Facts {
    /// Takes in that these are all objects of a kind.
    pub fn list(&mut self, group: &str, kind: &str, glances: Vec<Glance>) {
        let there: BTreeSet<_> = glances.iter().map(|glance| glance.id.clone()).collect();
        for id in self.of_kind(group, kind) {
            if !there.contains(&id) {
                self.gone(&id);
            }
        }
        for glance in glances {
            self.see(glance);
        }
    }

    /// Forgets a kind: what is known of it is old, or it may not be seen.
    pub fn forget(&mut self, group: &str, kind: &str) {
        self.list(group, kind, Vec::new());
    }

    fn of_kind(&self, group: &str, kind: &str) -> Vec<ObjectRef> {
        self.glances
            .keys()
            .filter(|id| id.group == group && id.kind == kind)
            .cloned()
            .collect()
    }

    /// Takes in an object as it is now.
    pub fn see(&mut self, glance: Glance) {
        if self.glances.get(&glance.id) == Some(&glance) {
            return;
        }
        // The same pod is another when anything about it changes, and its last words are still its last words.
        if let Some(before) = self.unlink(&glance.id)
            && before.uid != glance.uid
        {
            self.forget_words(&before.uid);
        }
        if glance.is_idle {
            return;
        }
        self.by_uid.insert(glance.uid.clone(), glance.id.clone());
        if let Some(owner) = &glance.owner {
            self.made.entry(owner.clone()).or_default().insert(glance.id.clone());
        }
        let id = glance.id.clone();
        let own = glance.causes.iter().map(|cause| &cause.reason);
        let warned = self.warnings_of(&glance.uid).map(|warning| &warning.message);
        if own.chain(warned).any(|said| refusal(said).is_some()) {
            self.refused.insert(id.clone());
        }
        self.glances.insert(id.clone(), glance);
        self.touch(&id);
    }

    /// Takes in that an object is gone.
    pub fn gone(&mut self, id: &ObjectRef) {
        if let Some(glance) = self.unlink(id) {
            self.forget_words(&glance.uid);
        }
    }

    fn unlink(&mut self, id: &ObjectRef) -> Option<Glance> {
        // Touched while its chain is still known.
        self.touch(id);
        let glance = self.glances.remove(id)?;
        self.refused.remove(id);
        self.by_uid.remove(&glance.uid);
        if let Some(owner) = &glance.owner
            && let Some(made) = self.made.get_mut(owner)
        {
            made.remove(id);
            if made.is_empty() {
                self.made.remove(owner);
            }
        }
        Some(glance)
    }

    fn forget_words(&mut self, uid: &str) {
        self.words.retain(|end, _| end.uid != uid);
    }

    /// Takes in that these are all warnings.
    pub fn list_warnings(&mut self, warnings: Vec<Warning>) {
        self.warnings.clear();
        for warning in warnings {
            self.warn(warning);
        }
    }

    /// Takes in a warning.
    pub fn warn(&mut self, warning: Warning) {
        let key = (warning.about.clone(), warning.reason.clone());
        if self.warnings.get(&key).is_some_and(|known| known.at > warning.at) {
            return;
        }
        if self.warnings.len() >= WARNINGS
            && !self.warnings.contains_key(&key)
            && let Some(oldest) = self.warnings.iter().min_by(|one, other| one.1.at.cmp(&other.1.at))
        {
            let oldest = oldest.0.clone();
            self.warnings.remove(&oldest);
        }
        if let Some(about) = self.by_uid.get(&warning.about).cloned() {
            self.touch(&about);
            if refusal(&warning.message).is_some() {
                self.refused.insert(about);
            }
        }
        self.warnings.insert(key, warning);
    }

    /// Takes in the last line of a log.
    pub fn hear(&mut self, end: End, words: &str) {
        if let Some(pod) = self.by_uid.get(&end.uid).cloned() {
            self.touch(&pod);
        }
        if self.words.len() >= WORDS {
            let by_uid = &self.by_uid;
            self.words.retain(|end, _| by_uid.contains_key(&end.uid));
        }
        self.words.insert(end, words.to_owned());
    }

    /// Returns whose last words would say more, of all that is known to be unwell.
    pub fn questions(&self) -> impl Iterator<Item = &Question> {
        self.glances
            .values()
            .flat_map(|glance| &glance.causes)
            .filter_map(|cause| cause.question.as_ref())
            .filter(|question| !self.words.contains_key(&question.end))
    }

    /// Whether the object of this UID is there, and of a pod that is not ready.
    pub fn is_unwell(&self, uid: &str) -> bool {
        self.by_uid.contains_key(uid)
    }

    /// Brings `live` up to date, and says what that came to.
    pub fn update(&mut self, live: &mut BTreeMap<ObjectRef, Live>) -> News {
        let mut news = News::Nothing;
        for id in std::mem::take(&mut self.touched) {
            // What stands between others has no health of its own here.
            let now = self.glances.get(&id).filter(|glance| glance.health.is_some());
            let now = now.map(|glance| self.judge(glance));
            // A pod that is well, and not an app's own, is not kept.
            let is_owned = self
                .glances
                .get(&id)
                .map_or(id.kind == "Pod", |glance| glance.owner.is_some());
            let most = if is_owned { News::Words } else { News::State };
            news = news.max(compare(live.get(&id), now.as_ref()).min(most));
            match now {
                Some(now) => live.insert(id, now),
                None => live.remove(&id),
            };
        }
        news
    }

    /// Notes that whatever depends on an object must be judged anew: it itself, what made it, whose pods claim it, and what a webhook
    /// refuses behind which it may be.
    fn touch(&mut self, id: &ObjectRef) {
        self.touch_chain(id);
        let is_backend = |glance: &Glance| !(glance.selects.is_empty() && glance.bears.is_empty());
        // What is refused may itself be behind the webhook.
        if self.refused.contains(id) || self.glances.get(id).is_some_and(is_backend) {
            for refused in self.refused.clone() {
                self.touch_chain(&refused);
            }
        }
        if id.kind != "PersistentVolumeClaim" {
            return;
        }
        let claimants: Vec<_> = self
            .glances
            .values()
            .filter(|glance| glance.id.namespace == id.namespace && glance.claims.contains(&id.name))
            .map(|glance| glance.id.clone())
            .collect();
        for claimant in claimants {
            self.touch_chain(&claimant);
        }
    }

    /// Touches an object, what made it, what made that, and so on.
    fn touch_chain(&mut self, id: &ObjectRef) {
        let mut link = id;
        for _ in 0..CHAIN {
            self.touched.insert(link.clone());
            let owner = self.glances.get(link).and_then(|glance| glance.owner.as_ref());
            match owner.and_then(|uid| self.by_uid.get(uid)) {
                Some(owner) => link = owner,
                None => break,
            }
        }
    }

    fn judge(&self, glance: &Glance) -> Live {
        let mut live = Live {
            uid: glance.uid.clone(),
            health: glance.health.clone(),
            why: Vec::new(),
            warning_until: None,
        };
        if !live.is_unwell() {
            return live;
        }
        let mut found = Vec::new();
        self.descend(glance, CHAIN, &mut found);
        found.sort_by(|one, other| (one.1.depth, one.0).cmp(&(other.1.depth, other.0)));
        // What is said in passing is told only where nothing else is.
        if found.iter().any(|(_, cause)| cause.depth != Depth::Passing) {
            found.retain(|(_, cause)| cause.depth != Depth::Passing);
        }
        for (_, cause) in &mut found {
            if let Some(chain) = self.deadlock(&cause.reason) {
                cause.reason = chain;
            }
        }
        live.warning_until = warning_until(&found);
        live.why = told(found);
        live
    }

    /// Collects what keeps an object from being well, and what it made.
    fn descend<'facts>(&'facts self, glance: &'facts Glance, hops: usize, found: &mut Vec<(&'facts ObjectRef, Cause)>) {
        self.of_one(glance, found);
        let has_own = glance.causes.iter().any(|cause| cause.depth == Depth::Container);
        if !has_own {
            for claim in &glance.claims {
                let id = ObjectRef::new("v1", "PersistentVolumeClaim", &glance.id.namespace, claim);
                if let Some(claim) = self.glances.get(&id) {
                    self.of_one(claim, found);
                }
            }
        }
        for made in self.made.get(&glance.uid).into_iter().flatten() {
            if let Some(made) = self.glances.get(made).filter(|_| hops > 0) {
                self.descend(made, hops - 1, found);
            }
        }
    }

    /// Tells the chain where a reason is a webhook that cannot be asked because it refuses the very pods that would answer.
    fn deadlock(&self, reason: &str) -> Option<String> {
        let refused = refusal(reason)?;
        let service = self.glances.get(&refused.service)?;
        let is_behind = |glance: &&Glance| {
            glance.id.namespace == service.id.namespace
                && !service.selects.is_empty()
                && service.selects.iter().all(|label| glance.bears.contains(label))
        };
        let is_refused = |glance: &&Glance| {
            let mut found = Vec::new();
            self.descend(glance, CHAIN, &mut found);
            found
                .iter()
                .any(|(_, cause)| refusal(&cause.reason).as_ref() == Some(&refused))
        };
        let behind = self.glances.values().filter(is_behind).find(is_refused)?;
        Some(words(&refused, &behind.id))
    }

    /// Collects what one object says of itself, and what is said of it.
    fn of_one<'facts>(&'facts self, glance: &'facts Glance, found: &mut Vec<(&'facts ObjectRef, Cause)>) {
        let is_pod = glance.id.kind == "Pod";
        let mut warned: Vec<Cause> = self.warnings_of(&glance.uid).filter_map(Warning::cause).collect();
        // A container knows better than the events about its pod why it does not run. Of all else events know more.
        if is_pod && glance.causes.iter().any(|cause| cause.depth == Depth::Container) {
            warned.clear();
        }
        let own = glance
            .causes
            .iter()
            .filter(|own| is_pod || warned.iter().all(|warned| warned.depth != own.depth))
            .map(|cause| self.complete(cause, &glance.uid));
        found.extend(own.chain(warned.iter().cloned()).map(|cause| (&glance.id, cause)));
    }

    fn warnings_of(&self, uid: &str) -> impl Iterator<Item = &Warning> {
        let from = (uid.to_owned(), String::new());
        self.warnings
            .range(from..)
            .take_while(move |((about, _), _)| about == uid)
            .map(|(_, warning)| warning)
    }

    /// Adds what others know: the last words of a container, the reason why an image cannot be pulled.
    fn complete(&self, cause: &Cause, uid: &str) -> Cause {
        let mut cause = cause.clone();
        let words = cause
            .question
            .as_ref()
            .and_then(|question| self.words.get(&question.end))
            .cloned();
        let pulled = || {
            let image = cause.image.as_ref()?;
            self.warnings_of(uid).find_map(|warning| warning.of_image(image))
        };
        if let Some(words) = words.or_else(pulled) {
            cause.reason = Cause::new(cause.depth, said(&cause.reason, &words)).reason;
        }
        cause
    }
}

/// Until when all that is wrong is no more than a warning; `None` where something is more.
fn warning_until(found: &[(&ObjectRef, Cause)]) -> Option<Timestamp> {
    let deepest = found.first()?.1.depth;
    found
        .iter()
        .take_while(|(_, cause)| cause.depth == deepest)
        .map(|(_, cause)| cause.warning_until)
        .reduce(|one, other| Some(one?.max(other?)))?
}

/// Returns the causes as they are told: what several pods of an object say alike once.
fn told(found: Vec<(&ObjectRef, Cause)>) -> Vec<Blocker> {
    let mut kinds: Vec<(String, Blocker, usize)> = Vec::new();
    for (id, cause) in found {
        let alike = cause.reason.replace(&id.name, "");
        match kinds.iter_mut().find(|(known, ..)| *known == alike) {
            Some((_, _, count)) => *count += 1,
            None => kinds.push((
                alike,
                Blocker {
                    object: id.to_string(),
                    reason: cause.reason,
                },
                1,
            )),
        }
    }
    kinds.into_iter().take(TOLD).map(|(_, blocker, _)| blocker).collect()
}

fn compare(before: Option<&Live>, now: Option<&Live>) -> News {
    let state =
        |live: Option<&Live>| live.map(|live| (live.uid.clone(), live.health.as_ref().map(|health| health.status)));
    if state(before) != state(now) {
        return News::State;
    }
    if before == now { News::Nothing } else { News::Words }
}
