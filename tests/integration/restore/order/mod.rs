//! `order: graph`: apps that bring no others are created one after the other, each when what it needs is ready, and their parents find
//! them as their own.

mod platform;
mod story;
