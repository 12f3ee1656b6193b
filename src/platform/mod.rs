//! Pure knowledge of the agents that deploy from Git: their types, what they read, when they are settled, what to do next. No IO.
//!
//! [`argocd`] is written against Argo CD 3.2.11 and supports 2.14 to 3.6.

pub mod argocd;
pub mod flux;
pub mod live;
pub mod sealed;
pub mod secret;
pub mod why;
