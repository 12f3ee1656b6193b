//! What stands on what in a whole platform. Pure: rendered manifests in, a graph out.
//!
//! [`Platform`] is what it is made from: every app that follows from the roots, each with the objects that its sources hold, or
//! with why these are not known; [`Known`] is what is there besides. [`Graph::build`] draws what waits for what by a table of rules,
//! one [`Row`] each: those of Kubernetes and its common operators are here, those of an agent are with the agent.
//!
//! In a graph every object, and every app, has two events: it *exists* and it is *healthy*. [`Graph::ranks`] says what can come when,
//! [`Graph::cycles`] what waits for itself. [`ranks`] orders one set of objects by the same rules.

mod apps;
mod build;
mod cycle;
mod draft;
mod draw;
mod edge;
mod edges;
#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
pub(crate) mod fixture_shop;
mod forecast;
mod input;
mod kinds;
mod lines;
mod model;
mod need;
mod node;
mod path;
mod platform;
#[cfg(test)]
pub(crate) mod properties;
mod rank;
mod reason;
mod search;
mod set;
mod shape;
mod standing;
#[cfg(test)]
mod tests;
mod usual;
mod whole;
mod why;

pub use apps::{AppLine, AppSpot, Apps};
pub use cycle::Cycle;
pub use draft::{Draft, Gate, Object, Point, Written};
pub use edge::{Edge, Firmness, When};
pub use edges::Row;
pub use forecast::{Forecast, Seen};
pub use input::{After, Given, Known, Opens};
pub use model::{AppFacts, Graph};
pub use need::Need;
pub use node::{Node, NodeId, Place, Standing};
pub use path::{Leg, Progress, Timed, Timeline};
pub use platform::{App, AppSource, Contents, Platform, Sourced};
pub use reason::Reason;
pub use set::ranks;
pub use shape::{AppShape, CycleShape, DoubledShape, EdgeShape, LineShape, MissingShape, Shape};
pub use whole::{Subject, Whole, answers_for, brings};
pub use why::{HeldBack, Unknown};
