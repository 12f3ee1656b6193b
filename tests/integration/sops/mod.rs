//! The store of SOPS files against the program `sops`.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "what a test stands on may fail it like the test itself, and the program that we are held against is run as people do"
)]

mod agreement;
mod drawer;
mod flux;
mod keys;
mod outside;
mod pgp;
mod tampered;
