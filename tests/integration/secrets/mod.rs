//! `gitops-dr secrets` against real stores.

mod check;
