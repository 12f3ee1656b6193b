//! The right to work for one source, and the work that keeps a thread busy: reading, parsing, hashing, copying.
//!
//! Such work is done beside the tasks that hear signals, deadlines and servers. Once nobody waits for what comes of it, it ends at
//! the next file or document, and until then nobody else has its place.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Error, Renderer};

/// A place among those that work at once, for as long as anything is done in it.
pub(super) struct Turn<'all> {
    /// What all sources are rendered with.
    pub(super) renderer: &'all Renderer,
    place: Arc<Option<OwnedSemaphorePermit>>,
    halt: Halt,
}

/// Tells work that nobody waits for it any more.
#[derive(Clone, Default)]
pub(super) struct Halt(Arc<AtomicBool>);

impl<'all> Turn<'all> {
    /// Waits for a place.
    pub(super) async fn of(renderer: &'all Renderer, places: &Arc<Semaphore>) -> Self {
        // It is never closed.
        let place = Arc::clone(places).acquire_owned().await.ok();
        Self {
            renderer,
            place: Arc::new(place),
            halt: Halt::default(),
        }
    }

    /// Does work on a thread of its own.
    pub(super) async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Halt) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (place, halt) = (Arc::clone(&self.place), self.halt.clone());
        let done = tokio::task::spawn_blocking(move || {
            let _place = place;
            halt.check()?;
            work(&halt)
        });
        done.await.unwrap_or_else(|_| {
            let why = "its rendering broke off; this is a mistake in gitops-dr";
            Err(Error::Unknown(why.to_owned()))
        })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.halt.0.store(true, Ordering::Relaxed);
    }
}

impl Halt {
    /// Is an error once nobody waits any more; nobody reads it.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.0.load(Ordering::Relaxed) {
            return Err(Error::Unknown("nobody waits for it any more".to_owned()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::redact::Redactor;
    use crate::render::Settings;

    /// A renderer with one place.
    fn renderer() -> Renderer {
        let settings = Settings {
            at_once: 1,
            ..Settings::default()
        };
        Renderer::new(settings, &Redactor::default())
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_ends_and_keeps_its_place_until_then() {
        let renderer = renderer();
        let (begun, is_begun) = tokio::sync::oneshot::channel();
        let (go_on, may_go_on) = mpsc::channel();
        let (ended, has_ended) = tokio::sync::oneshot::channel();
        let turn = renderer.turn().await;
        let work = turn.aside(move |halt| {
            begun.send(()).unwrap();
            may_go_on.recv().unwrap();
            ended.send(halt.check().is_err()).unwrap();
            Ok(())
        });
        tokio::select! {
            _ = work => panic!("it goes on only when it is told to"),
            begun = is_begun => begun.unwrap(),
        }
        drop(turn);
        assert_eq!(renderer.places.available_permits(), 0, "it still works");
        go_on.send(()).unwrap();
        assert!(has_ended.await.unwrap(), "it heard that nobody waits");
        renderer.turn().await;
    }

    #[tokio::test]
    async fn work_that_breaks_off_is_an_error_of_its_source_alone() {
        let renderer = renderer();
        let turn = renderer.turn().await;
        let error = turn.aside(|_| -> Result<(), Error> { panic!("so") }).await.unwrap_err();
        assert!(error.to_string().contains("mistake in gitops-dr"), "{error}");
    }
}
