//! The binary: parse and exit.
fn main() {}
