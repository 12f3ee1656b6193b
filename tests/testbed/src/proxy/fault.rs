//! What can be done to a request.

use std::time::Duration;

use jiff::SignedDuration;

/// Where in a request something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The server behind the proxy has not heard of it.
    Before,
    /// The server has answered, and whoever asked has not heard of that.
    After,
}

/// One trouble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The answer is this one, and the server hears nothing.
    Answer {
        /// The HTTP status.
        status: u16,
        /// Seconds of the header `Retry-After`, if it is there.
        retry_after: Option<u32>,
        /// The reason of the Status object, such as `TooManyRequests`.
        reason: String,
        /// The message of the Status object.
        message: String,
    },
    /// The connection is reset without an answer.
    Reset(Side),
    /// The request takes this much longer.
    Delay(Duration),
    /// The header `Date` of the answer is off by this.
    Date(SignedDuration),
    /// The version of the server is this one, such as `v1.17.3`.
    Version(String),
    /// A watch begins with the event by which an API server says that the history is gone (410).
    Gone,
}

impl Fault {
    /// The API server has too much to do, and says how many seconds to stay away.
    pub fn too_many_requests(seconds: u32) -> Self {
        Self::Answer {
            status: 429,
            retry_after: Some(seconds),
            reason: "TooManyRequests".to_owned(),
            message: "The server is currently unable to handle the request; too many requests, please try again later."
                .to_owned(),
        }
    }

    /// A webhook that the API server calls does not answer.
    pub fn webhook_fails() -> Self {
        Self::Answer {
            status: 500,
            retry_after: None,
            reason: "InternalError".to_owned(),
            message: "Internal error occurred: failed calling webhook \"policy.example.com\": failed to call webhook: Post \
                      \"https://policy.policies.svc:443/validate?timeout=10s\": dial tcp 10.96.4.7:443: connect: connection refused"
                .to_owned(),
        }
    }

    /// The server, or the load balancer before it, cannot serve now.
    pub fn unavailable() -> Self {
        Self::Answer {
            status: 503,
            retry_after: None,
            reason: "ServiceUnavailable".to_owned(),
            message: "the server is currently unable to handle the request".to_owned(),
        }
    }
}
