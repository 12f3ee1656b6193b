//! Argo CD's checks in Lua: a platform's own from `argocd-cm`, and those that come with an Argo CD.
//!
//! A script is somebody else's program, so it is bounded: it has a second, as with Argo CD, and 32 MB, and it can neither
//! read a file, start a program, print nor load more code. The language is Lua 5.2 with what Argo CD's dialect has
//! besides: of all dialects it judges most of upstream's own test cases as upstream does.

mod bounded;
mod checks;
mod machine;
mod script;
mod scripts;

pub use checks::Checks;
pub use script::{Broken, Script};

#[cfg(test)]
mod tests;
