//! What Argo CD makes one object wait for another by: [`ROWS`] for a [`Graph`](crate::graph::Graph), and what is there once it is
//! installed, [`given`].

mod applications;
mod credential;
mod destination;
mod kind_order;
mod namespace;
mod project;
mod sync;
mod table;
mod task;

pub use table::{ROWS, given};
pub use task::{is_brought, wave};

#[cfg(test)]
mod tests;
