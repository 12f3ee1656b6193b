//! A proxy that makes trouble: it stands before a real server, and does to the requests what a test asks for.
//!
//! [`Proxy`] is the server, [`Fault`] what it can do to a request, [`Asked`] the request as a rule sees it, [`Hold`] a request that
//! is kept where it is until the test has done something, such as killing who asked.

mod asked;
mod change;
mod connection;
mod fault;
mod hold;
mod rules;
mod server;
mod upstream;

pub use asked::Asked;
pub use fault::{Fault, Side};
pub use hold::Hold;
pub use rules::Met;
pub use server::Proxy;

#[cfg(test)]
mod tests;
