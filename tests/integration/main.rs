//! Tests against real servers and programs; `tests/testbed/setup` sees to them.

mod git;
mod render;
