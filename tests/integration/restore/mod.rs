//! `gitops-dr restore` as its user runs it: a real API server, a real Argo CD, a real OpenBao, private repositories.

mod canary;
mod clean;
mod credentials;
mod refusals;
mod scene;
