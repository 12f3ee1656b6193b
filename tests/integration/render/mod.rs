//! Rendering with the real programs.

mod bounds;
mod charts;
mod directory;
mod flux;
mod helm;
mod install;
mod jsonnet;
mod kept;
mod kustomize;
mod remote;
mod scene;
mod server;
