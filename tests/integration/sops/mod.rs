//! The store of SOPS files against the program `sops`.

#![expect(
    clippy::unwrap_used,
    reason = "what a test stands on may fail it like the test itself"
)]

mod agreement;
mod drawer;
mod keys;
mod pgp;
mod tampered;
