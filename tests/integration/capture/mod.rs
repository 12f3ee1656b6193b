//! `gitops-dr secrets capture`: from a live platform into real stores, and back.

mod flux;
mod life;
mod platform;
mod refused;
mod round_trip;
mod server;
mod worth;
