//! A scripted AWS, for the faults that moto does not make.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::bench::CANARY;

/// What was asked.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// The action of Secrets Manager, such as `GetSecretValue`; the path for anything else.
    pub(super) action: String,
    /// The region that the signature is for.
    pub(super) region: String,
    /// The id of the access key that signed.
    pub(super) key: String,
    /// Whether a session's token came with it.
    pub(super) has_token: bool,
    pub(super) body: String,
}

/// One scripted answer: a status, further header lines (each ended by CRLF), a body.
pub(super) type Scripted = (u16, String, String);

/// A server that answers by a script and remembers what it was asked. It ends with the test's runtime.
pub(super) struct Fake {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Fake {
    /// Starts one. The script is given the request and how many came before.
    pub(super) async fn start(script: impl Fn(&Asked, usize) -> Scripted + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let Some(request) = request(&mut connection).await else {
                    continue;
                };
                let before = {
                    let mut seen = seen.lock().unwrap();
                    seen.push(request.clone());
                    seen.len() - 1
                };
                let (status, headers, body) = script(&request, before);
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
                );
                // A client that has gone away is none of this server's business.
                let _ = connection.write_all(answer.as_bytes()).await;
            }
        });
        Self { address, asked }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The actions so far.
    pub(super) fn actions(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.action).collect()
    }
}

/// Answers with an error as AWS does.
pub(super) fn refusal(code: &str, message: &str) -> Scripted {
    let body = json!({"__type": code, "Message": message});
    (400, String::new(), body.to_string())
}

/// Answers with a document.
pub(super) fn document(body: &Value) -> Scripted {
    (200, String::new(), body.to_string())
}

/// Answers with a secret of one key.
pub(super) fn secret() -> Scripted {
    let text = json!({"password": CANARY}).to_string();
    document(&json!({"Name": "dr/repo", "VersionId": "v", "SecretString": text, "CreatedDate": 1_700_000_000.5}))
}

async fn request(connection: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let (head, start) = loop {
        let mut chunk = [0; 4096];
        let read = connection.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&chunk[..read]);
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break (String::from_utf8_lossy(&bytes[..end]).into_owned(), end + 4);
        }
    };
    let header = |wanted: &str| {
        head.lines().skip(1).find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case(wanted).then(|| value.trim().to_owned())
        })
    };
    let length: usize = header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = bytes.split_off(start);
    let known = body.len();
    body.resize(length.max(known), 0);
    connection.read_exact(&mut body[known..]).await.ok()?;
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let target = header("x-amz-target").map(|target| target.trim_start_matches("secretsmanager.").to_owned());
    let signature = header("authorization").unwrap_or_default();
    let mut scope = signature
        .split_once("Credential=")
        .map_or("", |(_, rest)| rest)
        .split('/');
    Some(Asked {
        action: target.unwrap_or(path),
        key: scope.next().unwrap_or_default().to_owned(),
        region: scope.nth(1).unwrap_or_default().to_owned(),
        has_token: header("x-amz-security-token").is_some(),
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}
