//! The ways to log in, one file each.
//!
//! Each sends one request and takes the token out of the answer. What is said of a refusal is said where the method is known: which
//! line of its configuration to look at differs from one to the next.

mod agent;
mod approle;
mod certificate;
mod claims;
mod jwt;
mod kubernetes;
mod obtain;
mod refused;
mod token;
mod userpass;
mod wrapping;
