//! `gitops-dr restore` as its user runs it: a real API server, a real Argo CD, a real OpenBao, private repositories.

mod broken;
mod canary;
mod clean;
mod credentials;
mod honesty;
mod installs;
mod kill;
mod policy;
mod refusals;
mod scene;
mod shop;
mod twice;
mod watched;
