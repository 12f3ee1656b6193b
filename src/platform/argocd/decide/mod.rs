//! Is the platform settled, what stands in the way, and what to do now: a pure function of what was last seen.
//!
//! [`decide`] walks the closure, everything that follows from the roots, and judges each node. A verdict counts only if
//! it is of this run: see [`fresh`](self). A refresh is asked for only where one cannot do without, so that a second
//! restore of a settled platform changes nothing. A sync is begun again only where the agent has given it up.

mod away;
mod closure;
mod create;
mod decision;
mod freed;
mod fresh;
mod memory;
mod node;
mod ordered;
mod quiet;
mod reason;
mod refresh;
mod reissue;
mod takeover;
mod well;

pub use away::{Away, AwayState};
pub use decision::{Action, BOUND, Create, Decision, Ground, Policy, Refresh, Resolved, Rules, Sync, Tree, decide};
pub use memory::Memory;
pub use node::name;
pub use reissue::wanted;

use decision::{earlier, since};

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
