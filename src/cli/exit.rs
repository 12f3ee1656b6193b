//! Exit codes: a promise to whoever scripts this program. Those of a run come from the fold of its events
//! ([`RunState::exit_code`](crate::event::RunState::exit_code)).

/// It did what was asked.
pub(super) const DONE: u8 = 0;
/// It failed.
pub(super) const FAILED: u8 = 1;
/// Refused or invalid input: this call changed nothing.
pub(super) const REFUSED: u8 = 2;
/// Interrupted for the second time, at once.
pub(super) const INTERRUPTED: u8 = 130;
