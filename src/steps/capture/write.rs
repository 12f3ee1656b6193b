//! Writes what was captured.

use futures::{StreamExt as _, stream};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::super::stores::given;
use super::place::{Spot, keep_generations};
use super::told::{Differs, State};
use crate::secrets::{Error, ErrorKind};

/// How many writes are on their way at a time.
const AT_ONCE: usize = 4;

/// What was written: its version, and when the store says that was.
type Written = (String, Option<Timestamp>);

/// Writes what is new or stale, each over the version that was looked at. Once `stop` is cancelled none is begun any more, and those that
/// are on their way end.
pub(super) async fn write(spots: &mut [Spot<'_>], stop: &CancellationToken) {
    let writes = spots.iter().map(|spot| async move {
        let (over, differs) = match &spot.state {
            Some(State::New { keys }) => (None, only_new(keys)),
            Some(State::Stale { version, differs }) => (Some(version.as_str()), differs.clone()),
            _ => return None,
        };
        if stop.is_cancelled() {
            return None;
        }
        Some((spot.write(over).await, differs))
    });
    let written: Vec<_> = stream::iter(writes.collect::<Vec<_>>())
        .buffered(AT_ONCE)
        .collect()
        .await;
    for (spot, written) in spots.iter_mut().zip(written) {
        match written {
            None => {}
            Some((Ok((version, written)), differs)) => {
                spot.written = written;
                spot.state = Some(State::Written { version, differs });
            }
            Some((Err(error), _)) => spot.state = Some(State::of(error)),
        }
    }
}

fn only_new(keys: &[String]) -> Differs {
    Differs {
        new: keys.to_vec(),
        ..Differs::default()
    }
}

impl Spot<'_> {
    async fn write(&self, over: Option<&str>) -> Result<Written, Error> {
        let (store, path) = (self.store, &self.from.path);
        let Some(writer) = store.writer() else {
            let message = format!("store {} is only read", store.name());
            return Err(Error::new(ErrorKind::Configuration, message));
        };
        // What was not read because its version is known has to be read now, if a part of it is to stay.
        let stored = match (&self.held, over) {
            (Some(stored), _) => Some(stored.clone()),
            (None, Some(version)) if self.is_set() => Some(store.read(path, Some(version)).await?),
            _ => None,
        };
        let mut wanted = self.wanted.clone();
        if let Some(stored) = stored.as_ref().filter(|_| self.is_set()) {
            keep_generations(&mut wanted, &stored.data);
        }
        let data = given(&wanted, &self.from, stored.as_ref())?;
        let version = writer.write(path, &data, over).await?;
        // Only the next comparison is cheaper for it.
        let seen = store
            .look(path, None)
            .await
            .ok()
            .filter(|seen| seen.version.as_ref() == Some(&version));
        Ok((version, seen.and_then(|seen| seen.written)))
    }
}
