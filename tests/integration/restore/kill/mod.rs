//! The restore is killed again and again, and goes on each time; what comes of it is what an undisturbed restore makes.
//!
//! One chain on one cluster: each run of the program goes on with the one before and is killed at a point of its own, by [`point`]. In the
//! end [`snapshot`] compares the cluster, object by object, with one that was restored without any disturbance; [`volatile`] lists
//! what may differ, and why.

mod chain;
mod data;
mod point;
mod snapshot;
mod story;
mod volatile;
