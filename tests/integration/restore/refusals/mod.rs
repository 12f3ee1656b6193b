//! What a restore refuses, and in which words. A refusal leaves the cluster as it was, so one cluster serves them all; at
//! the end the judge is its audit log, and a correct restore shows that the judge can see.

mod cluster;
mod interlocks;
mod judge;
mod objects;
mod replaced;
mod secrets;
mod sources;
mod table;
