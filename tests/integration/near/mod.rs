//! Stores that are near: files, variables, programs, a cluster that lives on.

mod kubernetes;
mod restore;
