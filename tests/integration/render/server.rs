//! A repository of charts: files over HTTP, behind a password.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use gitops_dr::exec::Exec;
use gitops_dr::redact::Redactor;
use testbed::Programs;

/// A server of a folder, until it is dropped.
pub(super) struct Server {
    pub(super) url: String,
    /// How many requests it has answered.
    pub(super) answered: Arc<AtomicUsize>,
    asked: Arc<Mutex<Vec<String>>>,
    is_over: Arc<AtomicBool>,
}

/// What a manifest of a registry is.
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// `user:password` in base64, as `Authorization: Basic` has it.
const LOGIN: &str = "dXNlcjpodW50ZXIyaHVudGVyMg==";

impl Server {
    pub(super) fn start(folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            url: format!("http://{}/charts", listener.local_addr().unwrap()),
            answered: Arc::default(),
            asked: Arc::default(),
            is_over: Arc::default(),
        };
        let (folder, answered, asked) = (
            folder.to_owned(),
            Arc::clone(&server.answered),
            Arc::clone(&server.asked),
        );
        let is_over = Arc::clone(&server.is_over);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if is_over.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(mut stream) = stream else { continue };
                let (mut request, mut part) = (Vec::new(), [0; 4096]);
                while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                    match stream.read(&mut part) {
                        Ok(length @ 1..) => request.extend_from_slice(&part[..length]),
                        _ => break,
                    }
                }
                let request = String::from_utf8_lossy(&request).into_owned();
                let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
                let (status, body) = answer(&folder, &path, &request);
                answered.fetch_add(1, Ordering::SeqCst);
                // A registry says what a manifest is, and asks for a login where there is none.
                let more = if path.contains("/manifests/") && status == "200 OK" {
                    format!(
                        "Content-Type: {MANIFEST}\r\nDocker-Content-Digest: {}\r\n",
                        digest(&body)
                    )
                } else {
                    "WWW-Authenticate: Basic realm=\"charts\"\r\n".to_owned()
                };
                asked.lock().unwrap().push(path);
                let length = body.len();
                let head = format!("HTTP/1.1 {status}\r\n{more}Content-Length: {length}\r\nConnection: close\r\n\r\n");
                let body: &[u8] = if request.starts_with("HEAD") { &[] } else { &body };
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
            }
        });
        server
    }

    pub(super) fn count(&self) -> usize {
        self.answered.load(Ordering::SeqCst)
    }

    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        // It waits for one request more.
        let address = self.url.trim_start_matches("http://").trim_end_matches("/charts");
        let _ = std::net::TcpStream::connect(address);
    }
}

fn answer(folder: &Path, path: &str, request: &str) -> (&'static str, Vec<u8>) {
    if !request.contains(&format!("Basic {LOGIN}")) {
        return ("401 Unauthorized", Vec::new());
    }
    let path = path.split('?').next().unwrap_or_default();
    let file: PathBuf = folder.join(path.trim_start_matches("/charts/").trim_start_matches('/'));
    match std::fs::read(file) {
        Ok(body) => ("200 OK", body),
        Err(_) => ("404 Not Found", Vec::new()),
    }
}

/// Packs a chart into a repository in a folder, and writes its index anew. Its only object says its version.
pub(super) async fn publish(folder: &Path, name: &str, version: &str) {
    let template = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ .Chart.Name }}'}\ndata: {version: '{{ .Chart.Version }}', told: '{{ .Values.told }}'}\n";
    let chart = super::scene::repository(&[
        (
            "Chart.yaml",
            &format!("apiVersion: v2\nname: {name}\nversion: {version}\n"),
        ),
        ("values.yaml", "told: nothing\n"),
        ("prod.yaml", "told: by-prod\n"),
        ("templates/config.yaml", template),
    ]);
    let helm = Programs::find().unwrap().built("helm").unwrap();
    let run = async |args: &[&str]| {
        Exec::new(&helm, &Redactor::default())
            .args(args)
            .directory(folder)
            .run()
            .await
            .unwrap();
    };
    run(&["package", chart.path().to_str().unwrap()]).await;
    run(&["repo", "index", "."]).await;
}

/// Packs a chart as a registry has it: `charts/NAME` with the version for its tag.
pub(super) async fn publish_to_registry(folder: &Path, name: &str, version: &str) {
    publish(folder, name, version).await;
    let chart = std::fs::read(folder.join(format!("{name}-{version}.tgz"))).unwrap();
    let config = serde_json::json!({"name": name, "version": version, "apiVersion": "v2"})
        .to_string()
        .into_bytes();
    let top = folder.join("v2/charts").join(name);
    for part in ["blobs", "manifests", "tags"] {
        std::fs::create_dir_all(top.join(part)).unwrap();
    }
    let put = |bytes: &[u8], kind: &str| {
        std::fs::write(top.join("blobs").join(digest(bytes)), bytes).unwrap();
        serde_json::json!({"mediaType": kind, "digest": digest(bytes), "size": bytes.len()})
    };
    let manifest = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": put(&config, "application/vnd.cncf.helm.config.v1+json"),
        "layers": [put(&chart, "application/vnd.cncf.helm.chart.content.v1.tar+gzip")],
    });
    let manifest = manifest.to_string();
    for reference in [version.to_owned(), digest(manifest.as_bytes())] {
        std::fs::write(top.join("manifests").join(reference), &manifest).unwrap();
    }
    let list = top.join("tags/list");
    let known = std::fs::read(&list).unwrap_or_default();
    let known: serde_json::Value = serde_json::from_slice(&known).unwrap_or_default();
    let mut tags = known["tags"].as_array().cloned().unwrap_or_default();
    tags.push(version.into());
    std::fs::write(
        &list,
        serde_json::json!({"name": format!("charts/{name}"), "tags": tags}).to_string(),
    )
    .unwrap();
}

fn digest(bytes: &[u8]) -> String {
    use sha2::{Digest as _, Sha256};
    let hex = Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    format!("sha256:{hex}")
}
