//! What the errors of HTTP clients hold.

use std::error::Error as StdError;
use std::io;

/// Finds an error of one type in a chain. An [`io::Error`] hides what it wraps from `source`, so it is looked into.
pub(super) fn find<'error, T: StdError + 'static>(error: &'error (dyn StdError + 'static)) -> Option<&'error T> {
    chain(error).find_map(|error| {
        error.downcast_ref::<T>().or_else(|| {
            let inner = error.downcast_ref::<io::Error>()?.get_ref()?;
            let inner: &(dyn StdError + 'static) = inner;
            find::<T>(inner)
        })
    })
}

/// Whether an error of the chain has exactly these words. The resolver's error has no public type.
pub(super) fn says(error: &(dyn StdError + 'static), words: &str) -> bool {
    chain(error).any(|error| error.to_string() == words)
}

/// Whether an error of the chain holds these words.
pub(super) fn holds(error: &(dyn StdError + 'static), words: &str) -> bool {
    chain(error).any(|error| error.to_string().contains(words))
}

/// Returns an error and all that it wraps.
pub(super) fn chain<'error>(
    error: &'error (dyn StdError + 'static),
) -> impl Iterator<Item = &'error (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}
