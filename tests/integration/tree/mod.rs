//! What the plan says that will follow from the roots, held against what the real agent then deploys.

mod agent;
mod asked;
mod broken;
mod hostile;
mod shop;
mod sources;
mod templates;
