//! The tests that need real servers. `make setup` builds what they start.

mod vault;
