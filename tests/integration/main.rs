//! Tests against real servers and programs; `tests/testbed/setup` sees to them.

#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it should be")]

mod git;
mod render;
//! The tests that need real servers. `make setup` builds what they start.
mod vault;
