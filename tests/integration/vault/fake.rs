//! A scripted server, for the faults that a real one does not make on demand.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

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
}

impl Fake {
    /// Starts one. The script is given the path and how many requests came before. It ends with the test's runtime.
    pub(super) async fn start(script: impl Fn(&str, usize) -> Scripted + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                answer(connection, &script, &seen).await;
            }
        });
        Self { address, asked }
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
