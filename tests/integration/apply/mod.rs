//! The apply engine on a real API server: how many requests it makes, in which order, and what it does when the server is in
//! trouble or says no.

mod conflict;
mod counted;
mod elsewhere;
mod order;
mod outdated;
mod refused;
mod scene;
mod served;
mod trouble;
