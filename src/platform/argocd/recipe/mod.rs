//! What of an Application's source can be rendered outside of the agent, and how.

mod environment;
mod overrides;
mod source;

pub use environment::{About, environment};
pub use overrides::{OVERRIDES, overridden, overrides_of};
pub use source::Recipe;
