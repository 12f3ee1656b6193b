//! Argo CD through the Kubernetes API alone; its own server need not be there.

mod ground;
mod install;
mod lean;
mod live;
mod observe;
mod perform;

pub use ground::Lookout;
pub use install::{Present, Readiness, StageApplied, apply_stage, present, ready};
pub use observe::Observer;
pub use perform::perform;
