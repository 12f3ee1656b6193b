//! What a user may write, and what is said to one who wrote something else.

mod broken;
mod drawn;
mod good;
mod mutated;
mod schema;
