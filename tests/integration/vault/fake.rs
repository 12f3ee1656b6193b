//! A scripted server, for the faults that a real one does not make on demand.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gitops_dr::redact::Redactor;
use gitops_dr::secrets::vault::{Login, Settings, Vault};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::bench::token;

/// One scripted answer: a status, further header lines (each ended by CRLF), a body. Status 0 hangs up without a word.
pub(super) type Scripted = (u16, &'static str, String);

pub(super) const TOKEN: &str = "s.canary-token-4711";

/// A server that answers by a script and remembers what it was asked.
pub(super) struct Fake {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    most: Arc<AtomicUsize>,
}

impl Fake {
    /// Starts one, which answers one request after the other. The script is given the path and how many requests came before. It ends
    /// with the test's runtime.
    pub(super) async fn start(script: impl Fn(&str, usize) -> Scripted + Send + Sync + 'static) -> Self {
        let (listener, fake) = Self::listen().await;
        let seen = Arc::clone(&fake.asked);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                answer(connection, &script, &seen).await;
            }
        });
        fake
    }

    /// Starts one that takes its time, and answers all that are there at once.
    pub(super) async fn start_slow(script: impl Fn(&str, usize) -> Scripted + Send + Sync + 'static) -> Self {
        let (listener, fake) = Self::listen().await;
        let (seen, most) = (Arc::clone(&fake.asked), Arc::clone(&fake.most));
        let (script, now) = (Arc::new(script), Arc::new(AtomicUsize::new(0)));
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                let (script, seen, now) = (Arc::clone(&script), Arc::clone(&seen), Arc::clone(&now));
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    // Before the answer, upon which the next one may come at once.
                    now.fetch_sub(1, Ordering::SeqCst);
                    answer(connection, &*script, &seen).await;
                });
            }
        });
        fake
    }

    async fn listen() -> (TcpListener, Self) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fake = Self {
            address: listener.local_addr().unwrap(),
            asked: Arc::default(),
            most: Arc::default(),
        };
        (listener, fake)
    }

    /// How many requests there were at once, at the most.
    pub(super) fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }

    /// The requests so far, as path and token.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// Settings for a store at a path of this server.
    pub(super) fn settings(&self, path: &str, auth: Login) -> Settings {
        Settings {
            name: "vault".to_owned(),
            address: self.url(path).parse().unwrap(),
            namespace: None,
            ca_pem: None,
            auth,
            variable: None,
        }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn vault(&self) -> Vault {
        Vault::new(self.settings("", token(TOKEN)), &Redactor::default()).unwrap()
    }
}

async fn answer(connection: TcpStream, script: &(impl Fn(&str, usize) -> Scripted + Sync), asked: &Mutex<Vec<String>>) {
    let mut connection = BufReader::new(connection);
    let mut head = Vec::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if connection.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push(line);
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).await.unwrap();
    let path = head[0].split(' ').nth(1).unwrap().to_owned();
    let token = head
        .iter()
        .any(|line| line.to_lowercase() == format!("x-vault-token: {TOKEN}"));
    let before = {
        let mut asked = asked.lock().unwrap();
        asked.push(format!("{path}{}", if token { " with token" } else { "" }));
        asked.len() - 1
    };
    let (status, headers, body) = script(&path, before);
    if status == 0 {
        return;
    }
    let length = body.len();
    let answer = format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    // A client that has gone away is none of this server's business.
    let _ = connection.write_all(answer.as_bytes()).await;
}
