//! `gitops-dr restore` as its user runs it: a real API server, a real Argo CD, a real OpenBao, private repositories.

mod approve;
mod broken;
mod canary;
mod clean;
mod clusters;
mod credentials;
mod honesty;
mod installs;
mod journal;
mod kill;
mod moved;
mod operators;
mod ownership;
mod policy;
mod program;
mod refusals;
mod rotated;
mod scene;
mod sets;
mod shop;
mod stopped;
mod storms;
mod twice;
mod waiting;
mod watched;
mod why;
