//! Why an app is not ready: down to the object and its own reason, live and in the report.

mod platform;
mod reasons;
mod unseen;
