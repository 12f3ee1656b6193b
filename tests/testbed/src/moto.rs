//! AWS Secrets Manager and the Security Token Service, as moto plays them.
//!
//! moto keeps secrets in memory, apart by region, and judges neither signatures nor policies. Which region is meant it takes
//! from the signature, as AWS does, so requests bear one that nobody could have made.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::process::log_tail;
use crate::server::Server;
use crate::{Error, Folder, Port, Process, Programs, Result};

/// How long it may take to start; it is a Python program, and two seconds are usual.
const PATIENCE: Duration = Duration::from_mins(2);

/// A running moto. Dropping it ends it, and all that it holds.
pub struct Moto {
    process: Server,
    client: Client,
    address: String,
    // Held, so that nobody else is given the port while the server is stopped.
    _port: Port,
    folder: Folder,
}

impl Moto {
    /// Starts one without any secret.
    pub async fn start() -> Result<Self> {
        let program = Programs::find()?.built("moto_server")?;
        let (folder, port) = (Folder::new("moto")?, Port::free()?);
        let mut command = Command::new(program);
        command
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .current_dir(folder.path());
        let mut process = Server::default();
        process.runs(Process::spawn("moto", command, &folder.join("log"))?);
        let mut moto = Self {
            process,
            client: Client::builder()
                .no_proxy()
                .build()
                .map_err(|error| Error::Other(format!("make an HTTP client: {error}")))?,
            address: format!("http://127.0.0.1:{port}"),
            _port: port,
            folder,
        };
        moto.ready().await?;
        Ok(moto)
    }

    /// Its address, such as `http://127.0.0.1:20001`; the same for all services and regions.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// How many requests it has answered so far. Its log colours what it refuses, within the quotes.
    pub fn answered(&self) -> usize {
        log_tail(&self.log(), usize::MAX).matches("POST / HTTP/1.1").count()
    }

    /// Stores a secret that is text, such as a JSON object, and returns the id of its version.
    pub async fn put(&self, region: &str, name: &str, text: &str) -> Result<String> {
        let body = json!({"Name": name, "SecretString": text});
        let answer = self.ask(region, "CreateSecret", &body).await?;
        Ok(answer["VersionId"].as_str().unwrap_or_default().to_owned())
    }

    /// Writes a newer version of a secret, and returns its id.
    pub async fn rewrite(&self, region: &str, name: &str, text: &str) -> Result<String> {
        let body = json!({"SecretId": name, "SecretString": text});
        let answer = self.ask(region, "PutSecretValue", &body).await?;
        Ok(answer["VersionId"].as_str().unwrap_or_default().to_owned())
    }

    /// Does what an action of Secrets Manager does: `DeleteSecret`, `ReplicateSecretToRegions`, ….
    pub async fn ask(&self, region: &str, action: &str, body: &Value) -> Result<Value> {
        let failed = |error: reqwest::Error| Error::Other(format!("{action} at moto: {error}"));
        let credential = format!("testbed/20260101/{region}/secretsmanager/aws4_request");
        let answer = self
            .client
            .post(&self.address)
            .header("X-Amz-Target", format!("secretsmanager.{action}"))
            .header("Content-Type", "application/x-amz-json-1.1")
            .header(
                "Authorization",
                format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"),
            )
            .body(body.to_string())
            .send()
            .await
            .map_err(failed)?;
        let status = answer.status();
        let text = answer.text().await.map_err(failed)?;
        if !status.is_success() {
            return Err(Error::Other(format!("{action} at moto: {status}: {text}")));
        }
        serde_json::from_str(&text)
            .map_err(|error| Error::Other(format!("{action} at moto: no JSON in the answer: {error}")))
    }

    /// Stops it: nothing listens on its port afterwards.
    pub async fn stop(&mut self) -> Result<()> {
        self.process.stop().await
    }

    /// Makes it hang: its port takes connections, and nothing is answered.
    pub fn freeze(&self) {
        self.process.freeze();
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    async fn ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while self
            .client
            .get(format!("{}/moto-api/", self.address))
            .send()
            .await
            .is_err()
        {
            self.process.still_running()?;
            if Instant::now() > deadline {
                return Err(Error::TooSlow {
                    what: "the start of moto".to_owned(),
                    after: PATIENCE,
                    log: log_tail(&self.log(), 20),
                });
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_region_keeps_what_is_put_there() {
        let moto = Moto::start().await.unwrap();
        let first = moto.put("eu-west-1", "dr/repo", "one").await.unwrap();
        let second = moto.rewrite("eu-west-1", "dr/repo", "two").await.unwrap();
        assert_ne!(first, second);
        let wanted = json!({"SecretId": "dr/repo"});
        let read = moto.ask("eu-west-1", "GetSecretValue", &wanted).await.unwrap();
        assert_eq!(
            (read["SecretString"].as_str(), read["VersionId"].as_str()),
            (Some("two"), Some(second.as_str()))
        );
        let elsewhere = moto.ask("eu-central-1", "GetSecretValue", &wanted).await.unwrap_err();
        assert!(
            elsewhere.to_string().contains("ResourceNotFoundException"),
            "{elsewhere}"
        );
        assert_eq!(moto.answered(), 4);
    }
}
