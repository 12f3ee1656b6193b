//! Real servers on one machine.
