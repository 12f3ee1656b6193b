//! Real servers on one machine.
//!
//! Each server is a child process of the test: [`process`] makes sure that none outlives it, [`port`] hands out
//! addresses, [`programs`] says where the binaries are.

pub mod authority;
pub mod bed;
pub mod control_plane;
pub mod error;
pub mod folder;
pub mod forwarder;
pub mod git_server;
pub mod host_node;
pub mod keeper;
pub mod kwok;
pub mod moto;
pub mod openbao;
pub mod outage;
pub mod port;
pub mod process;
pub mod programs;
pub mod proxy;
pub mod remote;
mod server;
pub mod shop;
pub mod terminal;
pub mod tool;
pub mod webhook;

pub use bed::{Bed, BedOptions};
pub use control_plane::ControlPlane;
pub use error::{Error, Result};
pub use folder::Folder;
pub use forwarder::Forwarder;
pub use git_server::{GitServer, GitServerOptions};
pub use moto::Moto;
pub use openbao::OpenBao;
pub use outage::Outage;
pub use port::Port;
pub use process::Process;
pub use programs::Programs;
pub use proxy::Proxy;
pub use remote::Remote;
pub use terminal::Terminal;
pub use tool::{Ran, Tool};
pub use webhook::Webhook;
