//! What the agent gives up, and what is done about it.

mod platform;
mod reissued;
