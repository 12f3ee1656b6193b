//! What a user may write, and what is said to one who wrote something else.

mod good;
