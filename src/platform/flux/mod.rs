//! What Flux means by its objects, as far as rendering needs it.

mod recipe;

pub use recipe::{FromObject, Recipe};
