//! Which requests what happens to.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::hold::Held;
use super::{Asked, Fault};
use crate::{Error, Result};

type Matches = Box<dyn Fn(&Asked) -> bool + Send + Sync>;

/// What a rule has happened to so far.
#[derive(Clone, Debug)]
pub struct Met(watch::Receiver<Vec<Asked>>);

impl Met {
    /// The number of requests that it has happened to.
    pub fn times(&self) -> usize {
        self.0.borrow().len()
    }

    /// The requests that it has happened to, in their order.
    pub fn asked(&self) -> Vec<Asked> {
        self.0.borrow().clone()
    }

    /// Waits until it has happened at least once.
    pub async fn first(&self, within: Duration) -> Result<()> {
        let mut met = self.0.clone();
        match tokio::time::timeout(within, met.wait_for(|asked| !asked.is_empty())).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(Error::Other("wait for a rule: the rules were cleared".to_owned())),
            Err(_) => Err(Error::TooSlow {
                what: "the first request of a rule".to_owned(),
                after: within,
                log: String::new(),
            }),
        }
    }
}

/// What happens to one request.
#[derive(Default)]
pub(super) struct Doom {
    pub(super) faults: Vec<Fault>,
    pub(super) held: Vec<Held>,
}

struct Rule {
    matches: Matches,
    /// How many requests that match are let through before.
    skip: usize,
    /// How many it happens to after those.
    times: usize,
    met: watch::Sender<Vec<Asked>>,
    what: What,
}

enum What {
    Fault(Fault),
    Hold(Option<Held>),
}

/// The rules of a proxy, in the order in which they were made.
#[derive(Default)]
pub(super) struct Rules(Mutex<Vec<Rule>>);

impl Rules {
    /// After `skip` requests that match, `fault` happens to the next `times`.
    pub(super) fn add(
        &self,
        matches: impl Fn(&Asked) -> bool + Send + Sync + 'static,
        skip: usize,
        times: usize,
        fault: Fault,
    ) -> Met {
        self.push(Box::new(matches), skip, times, What::Fault(fault))
    }

    /// After `skip` requests that match, the next is held.
    pub(super) fn hold(&self, matches: impl Fn(&Asked) -> bool + Send + Sync + 'static, skip: usize, held: Held) {
        self.push(Box::new(matches), skip, 1, What::Hold(Some(held)));
    }

    /// Forgets all rules; what is held already stays so.
    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    /// Counts a request and returns what happens to it.
    pub(super) fn judge(&self, asked: &Asked) -> Doom {
        let mut doom = Doom::default();
        for rule in self.lock().iter_mut().filter(|rule| (rule.matches)(asked)) {
            if rule.skip > 0 {
                rule.skip -= 1;
            } else if rule.times > 0 {
                rule.times -= 1;
                rule.met.send_modify(|met| met.push(asked.clone()));
                match &mut rule.what {
                    What::Fault(fault) => doom.faults.push(fault.clone()),
                    What::Hold(held) => doom.held.extend(held.take()),
                }
            }
        }
        doom
    }

    fn push(&self, matches: Matches, skip: usize, times: usize, what: What) -> Met {
        let (tell, met) = watch::channel(Vec::new());
        self.lock().push(Rule {
            matches,
            skip,
            times,
            met: tell,
            what,
        });
        Met(met)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Rule>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    #[test]
    fn a_rule_lets_some_through_and_then_happens_as_often_as_it_was_told() {
        let rules = Rules::default();
        let met = rules.add(Asked::is_mutation, 1, 2, Fault::Gone);
        let patch = Asked::of(&Method::PATCH, &"/api/v1/namespaces/x".parse().unwrap());
        let read = Asked::of(&Method::GET, &"/api/v1/namespaces/x".parse().unwrap());
        let happened: Vec<usize> = [&read, &patch, &patch, &read, &patch, &patch]
            .into_iter()
            .map(|asked| rules.judge(asked).faults.len())
            .collect();
        assert_eq!(happened, [0, 0, 1, 0, 1, 0]);
        assert_eq!(met.asked(), [patch.clone(), patch]);
    }
}
