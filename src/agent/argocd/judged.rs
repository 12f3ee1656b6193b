//! Judges what a watch sees. A platform's own check may take a second of each object; so it runs beside the task that watches,
//! which has signals, a deadline and everybody else's objects to heed.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::Semaphore;

use crate::health::by_convention;
use crate::health::lua::Checks;
use crate::platform::why::Glance;

/// How many checks in Lua run at a time, of all kinds together.
const AT_ONCE: usize = 4;

/// Judges objects by the checks of an Argo CD.
#[derive(Clone)]
pub(super) struct Judge {
    checks: Arc<Checks>,
    room: Arc<Semaphore>,
}

impl Judge {
    pub(super) fn new(checks: Arc<Checks>) -> Self {
        Self {
            checks,
            room: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    pub(super) fn checks(&self) -> &Checks {
        &self.checks
    }

    /// Takes a glance of an object of a kind. Those of a list, and those of which only the metadata are fetched, do not say what
    /// they are.
    pub(super) async fn glance(self, mut object: Value, api_version: String, kind: String) -> Option<Glance> {
        let is_whole = object.get("kind").is_none_or(|said| said != "PartialObjectMetadata");
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        let (is_scripted, is_covered) = (self.checks.has_script(group, &kind), self.checks.cover(group, &kind));
        object["apiVersion"] = api_version.into();
        object["kind"] = kind.into();
        if !is_whole {
            return Glance::of(&object, None);
        }
        if !is_scripted {
            let health = if is_covered {
                self.checks.judge(&object)
            } else {
                by_convention(&object)
            };
            return Glance::of(&object, health);
        }
        let _room = self.room.acquire().await;
        let judged = tokio::task::spawn_blocking(move || {
            let health = self.checks.judge(&object);
            Glance::of(&object, health)
        });
        judged.await.ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use futures::StreamExt as _;
    use serde_json::json;

    use super::*;
    use crate::health::lua::Script;

    #[tokio::test]
    async fn a_hundred_objects_of_a_check_without_an_end_keep_nobody_from_being_heard() {
        let script = Script::new("while true do end", false);
        let checks = Checks::new(
            BTreeMap::from([("example.com/Widget".to_owned(), script)]),
            BTreeMap::new(),
        );
        let judge = Judge::new(Arc::new(checks));
        let object = |number: usize| json!({"metadata": {"name": format!("w{number}"), "uid": number.to_string()}});
        let glances = futures::stream::iter(0..100).then(|number| {
            let (version, kind) = ("example.com/v1".to_owned(), "Widget".to_owned());
            judge.clone().glance(object(number), version, kind)
        });
        let mut glances = std::pin::pin!(glances.collect::<Vec<_>>());
        let began = tokio::time::Instant::now();
        // As the engine does, which hears of a signal in the task that watches.
        let mut heard = 0;
        let glances = loop {
            tokio::select! {
                glances = &mut glances => break glances,
                () = tokio::time::sleep(Duration::from_millis(20)) => heard += 1,
            }
        };
        assert!(heard >= 20, "heard {heard} times in {:?}", began.elapsed());
        assert!(began.elapsed() < Duration::from_mins(1), "{:?}", began.elapsed());
        assert_eq!(glances.len(), 100);
        let last = glances.last().unwrap().as_ref().unwrap().health.as_ref().unwrap();
        assert!(last.message.contains("it is not run again"), "{}", last.message);
        let given_up: Vec<_> = judge.checks().given_up().iter().map(ToString::to_string).collect();
        assert_eq!(given_up.len(), 1, "{given_up:?}");
        assert!(given_up[0].contains("`example.com/Widget`"), "{given_up:?}");
    }
}
