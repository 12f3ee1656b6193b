//! A request that waits for the test.

use std::time::Duration;

use tokio::sync::oneshot;

use super::{Asked, Side};
use crate::{Error, Result};

/// A request to come, which will be kept where it is. Dropping this loses the request: its connection is reset.
pub struct Hold {
    reached: oneshot::Receiver<Asked>,
    go_on: oneshot::Sender<()>,
}

/// The proxy's end of a [`Hold`].
pub(super) struct Held {
    pub(super) side: Side,
    reached: oneshot::Sender<Asked>,
    go_on: oneshot::Receiver<()>,
}

impl Hold {
    pub(super) fn new(side: Side) -> (Self, Held) {
        let (tell, reached) = oneshot::channel();
        let (go_on, wait) = oneshot::channel();
        let held = Held {
            side,
            reached: tell,
            go_on: wait,
        };
        (Self { reached, go_on }, held)
    }

    /// Waits until the request is there, and returns it.
    pub async fn reached(&mut self, within: Duration) -> Result<Asked> {
        match tokio::time::timeout(within, &mut self.reached).await {
            Ok(Ok(asked)) => Ok(asked),
            Ok(Err(_)) => Err(Error::Other("hold a request: the rules were cleared".to_owned())),
            Err(_) => Err(Error::TooSlow {
                what: "the request to hold".to_owned(),
                after: within,
                log: String::new(),
            }),
        }
    }

    /// Lets the request go on as if nothing had been.
    pub fn go_on(self) {
        // Who asked may be gone.
        self.go_on.send(()).ok();
    }
}

impl Held {
    /// Tells the test, and waits for it; whether the request is to go on.
    pub(super) async fn wait(self, asked: &Asked) -> bool {
        self.reached.send(asked.clone()).is_ok() && self.go_on.await.is_ok()
    }
}
