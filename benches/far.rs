//! The way to an API server that is not on this machine: what goes over it takes its time, and there is no other limit.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use testbed::{Folder, Process};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::Trouble;
use crate::part::{WORD, answer, answered};
use crate::plane::Plane;

/// One way; there and back is twice that: a control plane in another region.
const ONE_WAY: Duration = Duration::from_micros(12_500);

/// A running way, in a process of its own. It ends with this.
pub(crate) struct Far {
    /// Leads over it.
    pub(crate) kubeconfig: PathBuf,
    _process: Process,
}

impl Far {
    /// Starts a way to the API server of a control plane.
    pub(crate) async fn start(plane: &Plane, folder: &Folder) -> Result<Self, Trouble> {
        let (told, log) = (folder.join("far.port"), folder.join("far.log"));
        let mut command = Command::new(std::env::current_exe()?);
        command.args([WORD, "far", &plane.port.to_string()]).arg(&told);
        let mut process = Process::spawn("far", command, &log)?;
        let port: u16 = loop {
            process.still_running()?;
            if let Ok(port) = answered(&told) {
                break port;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let near = format!("127.0.0.1:{}", plane.port);
        let text = std::fs::read_to_string(&plane.kubeconfig)?;
        if !text.contains(&near) {
            return Err(format!("the kubeconfig does not lead to {near}").into());
        }
        let kubeconfig = folder.join("far.kubeconfig");
        std::fs::write(&kubeconfig, text.replace(&near, &format!("127.0.0.1:{port}")))?;
        Ok(Self {
            kubeconfig,
            _process: process,
        })
    }
}

/// The part: carries what comes to a port of this machine, each way with the same delay. It reads nothing of it.
pub(crate) async fn play(port: u16, told: &Path) -> Result<(), Trouble> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    answer(told, &listener.local_addr()?.port())?;
    loop {
        let (near, _) = listener.accept().await?;
        tokio::spawn(async move {
            if let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await {
                near.set_nodelay(true).ok();
                far.set_nodelay(true).ok();
                let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                tokio::join!(carry(near_in, far_out), carry(far_in, near_out));
            }
        });
    }
}

/// Carries one way. What comes while something is under way follows it closely.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let take = async move {
        loop {
            let mut chunk = vec![0; 16 * 1024];
            match from.read(&mut chunk).await {
                Ok(0) | Err(_) => break,
                Ok(length) => chunk.truncate(length),
            }
            if sender.send((Instant::now() + ONE_WAY, chunk)).is_err() {
                break;
            }
        }
    };
    let give = async move {
        while let Some((when, chunk)) = receiver.recv().await {
            sleep_until(when).await;
            if to.write_all(&chunk).await.is_err() {
                break;
            }
        }
        // The other side hears of the end as it would without us.
        to.shutdown().await.ok();
    };
    tokio::join!(take, give);
}
