//! The apps of a graph as a drawing, as text: [`Graph::dot`](super::Graph::dot) for Graphviz, and
//! [`Graph::svg`](super::Graph::svg), which needs no program.
//!
//! Both show what [`picture`] says: which boxes and arrows there are. For the second, [`order`] and [`place`] say where.

mod dot;
mod order;
mod picture;
mod place;
mod svg;
mod words;
