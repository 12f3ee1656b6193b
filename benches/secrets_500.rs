//! How long it takes to read many secrets: what a restore does first, and what everybody waits for who does it by a loop.
//!
//! Ours is what a person calls on an ordinary day, `gitops-dr secrets check --read`: it reads every secret of a runbook from the store. It
//! is a whole process, and judges what it has read. The peer is the store's own command line, once for each secret.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use testbed::{Folder, Moto, OpenBao, Programs};

use crate::entry::Wanted;
use crate::goal::{Goal, Peer};
use crate::measured::{self, Run};
use crate::results::Row;
use crate::{Trouble, say};

/// How many secrets: what a fleet of some dozen clusters and a hundred repositories has.
const SECRETS: usize = 500;
/// When a run is given up.
const CAP: Duration = Duration::from_mins(30);
/// Where they are.
const REGION: &str = "eu-west-1";

/// A store with all secrets in it, and how it is read.
struct Side {
    /// What the runbook calls it.
    store: &'static str,
    /// Its settings there.
    settings: String,
    /// What stands in front of a secret's name.
    folder: &'static str,
    /// What prints one secret; its name follows.
    command: String,
    environment: Vec<(&'static str, String)>,
}

/// Reads all secrets by us and by the command line of each store.
pub(crate) async fn measure(wanted: Wanted) -> Result<Vec<Row>, Trouble> {
    let mut rows = Vec::new();
    if wanted.has("secrets-500-vault") {
        let bao = OpenBao::start().await?;
        for number in 0..SECRETS {
            let data = [("password", value(number))];
            bao.root().put(&format!("secret/dr/{}", name(number)), data).await?;
        }
        let side = Side {
            store: "vault",
            settings: format!("{{address: \"{}\", auth: {{token: {{env: TOKEN}}}}}}", bao.address()),
            folder: "secret/dr/",
            command: "bao kv get -format=json".to_owned(),
            environment: vec![
                ("TOKEN", bao.root().token().to_owned()),
                ("BAO_TOKEN", bao.root().token().to_owned()),
                ("BAO_ADDR", bao.address().to_owned()),
            ],
        };
        let (ours, peer) = side.measure(&wanted).await?;
        rows.push(Row {
            name: "secrets-500-vault",
            does: "`gitops-dr secrets check --read` of 500 secrets in OpenBao, from its start to its end",
            unit: "s",
            ours,
            peer: Some(Peer {
                name: "bao kv get, in a loop",
                does: "the same secrets, one after the other, as JSON into a file",
                rounds: peer,
            }),
            goal: Goal::TimesFaster(10.0),
        });
    }
    if wanted.has("secrets-500-aws") {
        let moto = Moto::start().await?;
        for number in 0..SECRETS {
            let text = serde_json::json!({"password": value(number)}).to_string();
            moto.put(REGION, &format!("dr/{}", name(number)), &text).await?;
        }
        let side = Side {
            store: "aws",
            settings: format!("{{region: {REGION}, endpoint: \"{}\"}}", moto.address()),
            folder: "dr/",
            command: format!("aws secretsmanager get-secret-value --output json --region {REGION} --secret-id"),
            environment: vec![
                ("AWS_ACCESS_KEY_ID", "AKIAGITOPSDRBENCH".to_owned()),
                ("AWS_SECRET_ACCESS_KEY", "nobody-looks-at-it".to_owned()),
                ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
                ("AWS_ENDPOINT_URL", moto.address().to_owned()),
            ],
        };
        let (ours, peer) = side.measure(&wanted).await?;
        rows.push(Row {
            name: "secrets-500-aws",
            does: "`gitops-dr secrets check --read` of 500 secrets in moto, from its start to its end",
            unit: "s",
            ours,
            peer: Some(Peer {
                name: "aws secretsmanager get-secret-value, in a loop",
                does: "the same secrets, one after the other, as JSON into a file",
                rounds: peer,
            }),
            goal: Goal::TimesFaster(10.0),
        });
    }
    Ok(rows)
}

impl Side {
    /// Reads all by either side in turn, and returns the seconds of each round. The loop takes long, and varies little.
    async fn measure(&self, wanted: &Wanted) -> Result<(Vec<f64>, Vec<f64>), Trouble> {
        let folder = Folder::new("secrets")?;
        let runbook = folder.join("runbook.yaml");
        std::fs::write(&runbook, self.runbook())?;
        let (mut ours, mut peer) = (Vec::new(), Vec::new());
        for round in 0..wanted.rounds(5) {
            ours.push(self.by_us(&folder, &runbook).await?);
            if round < wanted.rounds(1) {
                peer.push(self.by_loop(&folder).await?);
            }
        }
        say(&format!("  {}: ours {ours:.2?} s, the loop {peer:.1?} s", self.store));
        Ok((ours, peer))
    }

    async fn by_us(&self, folder: &Folder, runbook: &Path) -> Result<f64, Trouble> {
        let answers = folder.join("told.json");
        let script = format!(
            "exec {} secrets check --read --output json '{}' >'{}'",
            env!("CARGO_BIN_EXE_gitops-dr"),
            runbook.display(),
            answers.display()
        );
        let (took, said) = self.run(folder, &script).await?.succeeded("the check")?;
        let told: serde_json::Value = serde_json::from_slice(&std::fs::read(answers)?)?;
        let secrets = told["secrets"].as_array().map(Vec::as_slice).unwrap_or_default();
        let is_read = |secret: &&serde_json::Value| secret["places"][0]["found"]["read"] == true;
        let read = secrets.iter().filter(is_read).count();
        if read != SECRETS {
            return Err(format!("{read} of {SECRETS} secrets were read:\n{said}").into());
        }
        Ok(took.seconds)
    }

    async fn by_loop(&self, folder: &Folder) -> Result<f64, Trouble> {
        let answers = folder.join("answers");
        let script = format!(
            "set -eu; for number in $(seq -w 0 {}); do {} {}{}$number; done >'{}'",
            SECRETS - 1,
            self.command,
            self.folder,
            name(0).trim_end_matches('0'),
            answers.display()
        );
        let (took, _) = self.run(folder, &script).await?.succeeded("the loop")?;
        let answers = std::fs::read_to_string(answers)?;
        match (0..SECRETS).find(|number| !answers.contains(&value(*number))) {
            Some(missing) => Err(format!("the loop has not read {}", name(missing)).into()),
            None => Ok(took.seconds),
        }
    }

    /// Runs a line of a shell: both sides write to a file, as a person would have them do.
    async fn run(&self, folder: &Folder, script: &str) -> Result<Run, Trouble> {
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", Programs::find()?.bin().display());
        let mut command = Command::new("sh");
        command
            .args(["-c", script])
            .env("PATH", path)
            .env("HOME", folder.path());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        measured::run(&command, CAP).await
    }

    fn runbook(&self) -> String {
        let mut secrets = String::new();
        for number in 0..SECRETS {
            let name = name(number);
            // Memory takes what is written to it.
            let _ = writeln!(
                secrets,
                "  {name}:\n    as: {{namespace: shop, type: Opaque}}\n    from: {{{}: {}{name}}}",
                self.store, self.folder
            );
        }
        format!(
            "apiVersion: gitops-dr/v1\nkind: Runbook\nname: many\ntarget: {{context: new}}\n\
             sources:\n  platform: {{git: \"https://git.example.com/p.git\", revision: main}}\n\
             stores:\n  - {}: {}\n\
             agent: {{argocd: {{from: {{source: platform, path: argocd}}}}}}\n\
             secrets:\n{secrets}\
             roots:\n  - {{id: apps, source: platform, path: apps}}\n",
            self.store, self.settings
        )
    }
}

/// As `seq -w` prints the numbers.
fn name(number: usize) -> String {
    format!("secret-{number:03}")
}

/// A value of its own for each.
fn value(number: usize) -> String {
    format!("value-of-{number:03}-{}", "x".repeat(64))
}
