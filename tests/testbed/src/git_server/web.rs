//! HTTP and HTTPS: nginx checks the password, fcgiwrap runs `git-http-backend`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, sleep};

use crate::{Error, Port, Process, Programs, Result};

/// How long the two may take to listen; a tenth of a second is usual.
const PATIENCE: Duration = Duration::from_secs(30);

/// Requests that git works on at the same time; more wait in line.
const WORKERS: &str = "8";

pub(super) struct WebServer {
    processes: Vec<Process>,
    http: Port,
    https: Option<Port>,
    folder: PathBuf,
}

impl WebServer {
    /// Serves `folder/repositories` to those whom `folder/passwords` and `folder/public` admit.
    pub(super) async fn start(folder: &Path, https: bool) -> Result<Self> {
        let mut server = Self {
            processes: Vec::new(),
            http: Port::free()?,
            https: https.then(Port::free).transpose()?,
            folder: folder.to_path_buf(),
        };
        let backend = exec_path().await?.join("git-http-backend");
        std::fs::write(folder.join("nginx.conf"), server.configuration(&backend))
            .map_err(Error::io("write the configuration of nginx"))?;
        server.run().await?;
        Ok(server)
    }

    pub(super) fn http(&self) -> &Port {
        &self.http
    }

    pub(super) fn https(&self) -> Option<&Port> {
        self.https.as_ref()
    }

    pub(super) async fn stop(&mut self) -> Result<()> {
        for process in self.processes.drain(..) {
            process.stop().await?;
        }
        Ok(())
    }

    pub(super) async fn run(&mut self) -> Result<()> {
        let socket = self.folder.join("fcgiwrap.socket");
        // The socket of a former run would keep the next one from listening.
        std::fs::remove_file(&socket).ok();
        let mut fcgiwrap = Command::new(Programs::on_path("fcgiwrap")?);
        fcgiwrap
            .args(["-f", "-c", WORKERS, "-s"])
            .arg(format!("unix:{}", socket.display()))
            .env("HOME", &self.folder)
            .env("GIT_CONFIG_NOSYSTEM", "1");
        self.spawn("fcgiwrap", fcgiwrap)?;
        let mut nginx = Command::new(Programs::on_path("nginx")?);
        nginx
            .arg("-p")
            .arg(&self.folder)
            .arg("-c")
            .arg(self.folder.join("nginx.conf"))
            .arg("-e")
            .arg(self.folder.join("nginx.log"));
        self.spawn("nginx", nginx)?;
        self.await_listening(&socket).await
    }

    fn spawn(&mut self, name: &str, command: Command) -> Result<()> {
        let log = self.folder.join(format!("{name}.log"));
        self.processes.push(Process::spawn(name, command, &log)?);
        Ok(())
    }

    async fn await_listening(&mut self, socket: &Path) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let address = ("127.0.0.1", self.http.number());
        while TcpStream::connect(address).await.is_err() || UnixStream::connect(socket).await.is_err() {
            for process in &mut self.processes {
                process.still_running()?;
            }
            if Instant::now() > deadline {
                return Err(Error::TooSlow {
                    what: "the web server of Git".to_owned(),
                    after: PATIENCE,
                    log: crate::process::log_tail(&self.folder.join("nginx.log"), 20),
                });
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    fn configuration(&self, backend: &Path) -> String {
        let folder = self.folder.display();
        let backend = backend.display();
        // As root nginx would hand its work to another user, who may not read our folder.
        let user = if rustix::process::geteuid().is_root() {
            "user root root;"
        } else {
            ""
        };
        let https = self.https.as_ref().map_or_else(String::new, |port| {
            format!(
                "listen 127.0.0.1:{port} ssl; ssl_certificate {folder}/server.crt; \
                 ssl_certificate_key {folder}/server.key;"
            )
        });
        let http = &self.http;
        format!(
            r#"{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
events {{ worker_connections 512; }}
http {{
  access_log {folder}/access.log;
  client_max_body_size 0;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{http};
    {https}
    location ~ ^/(?<repository>.+\.git)(?<rest>/.*)$ {{
      if (!-d {folder}/repositories/$repository) {{ return 404; }}
      set $realm git;
      if (-f {folder}/public/$repository) {{ set $realm off; }}
      auth_basic $realm;
      auth_basic_user_file {folder}/passwords/$repository;
      fastcgi_pass unix:{folder}/fcgiwrap.socket;
      fastcgi_read_timeout 300s;
      fastcgi_param SCRIPT_FILENAME {backend};
      fastcgi_param GIT_PROJECT_ROOT {folder}/repositories;
      fastcgi_param GIT_HTTP_EXPORT_ALL "";
      fastcgi_param GIT_PROTOCOL $http_git_protocol;
      fastcgi_param HTTP_CONTENT_ENCODING $http_content_encoding;
      fastcgi_param PATH_INFO $uri;
      fastcgi_param REMOTE_USER $remote_user;
      fastcgi_param REMOTE_ADDR $remote_addr;
      fastcgi_param QUERY_STRING $query_string;
      fastcgi_param REQUEST_METHOD $request_method;
      fastcgi_param CONTENT_TYPE $content_type;
      fastcgi_param CONTENT_LENGTH $content_length;
    }}
    location / {{ return 404; }}
  }}
}}
"#
        )
    }
}

/// Where git keeps the programs that only it and servers call.
async fn exec_path() -> Result<PathBuf> {
    let output = tokio::process::Command::new("git")
        .arg("--exec-path")
        .output()
        .await
        .map_err(Error::io("ask git for its programs"))?;
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}
