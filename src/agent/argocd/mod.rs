//! Argo CD through the Kubernetes API alone; its own server need not be there.

mod arrivals;
mod ground;
mod install;
mod judged;
mod lean;
mod live;
mod observe;
mod perform;
mod worth;

pub use ground::Lookout;
pub use install::{Present, Readiness, apply_stage, present, ready};
pub use observe::Observer;
pub use perform::perform;
