//! What is to be said of a decryption Secret, and of those that nobody restores.

use std::str::FromStr as _;

use super::sealed::{Decryption, Sealed, ends};
use crate::finding::Finding;
use crate::object::ObjectRef;
use crate::platform::secret::Data;

/// How many files a finding names.
const FILES: usize = 3;

/// The keys of a decryption Secret, as far as something can be told of them.
#[derive(Debug, Default)]
struct Keys {
    /// The public parts of its age keys.
    age: Vec<String>,
    /// Whether it holds keys of which nothing can be told here: PGP's, a cloud's, plug-ins of age.
    has_others: bool,
    /// The names of keys that should hold an age key and do not.
    broken: Vec<String>,
}

impl Keys {
    fn of(data: &Data) -> Self {
        let mut keys = Self::default();
        for (name, value) in data {
            if !ends(name, &[".agekey"]) {
                keys.has_others |= ends(name, &[".asc"]) || name.starts_with("sops.");
                continue;
            }
            let text = value.expose_str().unwrap_or_default();
            let lines = text.lines().map(str::trim).filter(|line| line.starts_with("AGE-"));
            let count = lines.clone().count();
            let known: Vec<String> = lines
                .clone()
                .filter_map(|line| age::x25519::Identity::from_str(line).ok())
                .map(|identity| identity.to_public().to_string())
                .collect();
            let is_foreign = lines.clone().any(|line| !line.starts_with("AGE-SECRET-KEY-1"));
            keys.has_others |= is_foreign;
            if count == 0 || (known.len() < count && !is_foreign) {
                keys.broken.push(name.clone());
            }
            keys.age.extend(known);
        }
        keys
    }

    /// Whether a file can be opened, as far as that can be told: what others open, or an unknown key might, is taken to be.
    fn may_open(&self, sealed: &Sealed) -> bool {
        self.has_others || sealed.has_others || sealed.recipients.iter().any(|one| self.age.contains(one))
    }
}

/// Holds the values of a decryption Secret against the files that are to be opened with it. `name` is how findings call it. No finding
/// quotes a value; the public part of a key is none.
pub fn check_decryption<'run>(name: &str, data: &Data, used: impl Iterator<Item = &'run Decryption>) -> Vec<Finding> {
    let keys = Keys::of(data);
    let mut findings = Vec::new();
    for broken in &keys.broken {
        let message = format!("secret `{name}`: `{broken}` holds no age key, or one that is cut off");
        let help = "it has a line that begins with AGE-SECRET-KEY-1, as `age-keygen` writes it";
        findings.push(Finding::error("secret/malformed", message).help(help));
    }
    for decryption in used {
        let closed: Vec<&Sealed> = decryption
            .sealed
            .iter()
            .filter(|sealed| !keys.may_open(sealed))
            .collect();
        let Some(first) = closed.first() else { continue };
        let files = named(&closed);
        let whose = match keys.age.as_slice() {
            [] => "holds no age key under a name that ends in `.agekey`".to_owned(),
            all => format!("holds the age key of {}", all.join(", ")),
        };
        let message = format!(
            "secret `{name}`: it {whose}, and {} decrypts with it what is encrypted for others: {files}",
            decryption.kustomization
        );
        let help = format!(
            "store the key of one of its recipients ({}), or add this one to them (`sops updatekeys`)",
            first.recipients.join(", ")
        );
        findings.push(Finding::error("secret/no-recipient", message).help(help));
    }
    findings
}

/// Says which Kustomizations decrypt with a Secret that `is_restored` does not know, and which apply an encrypted Secret and decrypt
/// nothing. Warnings: a controller may have a key of its own (`--sops-age-secret`), and something may bring the Secret that is not seen here.
pub fn check_kustomizations(all: &[Decryption], is_restored: impl Fn(&ObjectRef) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for one in all.iter().filter(|one| !one.sealed.is_empty()) {
        let closed: Vec<&Sealed> = one.sealed.iter().filter(|sealed| sealed.is_secret).collect();
        if !one.decrypts && !closed.is_empty() {
            let message = format!(
                "{} has no `spec.decryption`, and applies what SOPS has encrypted: {}",
                one.kustomization,
                named(&closed)
            );
            let help = "add `decryption: {provider: sops, secretRef: {name: …}}`: without it kustomize-controller refuses them";
            findings.push(Finding::warning("flux/not-decrypted", message).help(help));
        }
        if let Some(secret) = one
            .secret
            .as_ref()
            .filter(|secret| one.decrypts && !is_restored(secret))
        {
            let sealed: Vec<&Sealed> = one.sealed.iter().collect();
            let message = format!(
                "{} decrypts with {secret}, which the runbook does not restore: {}",
                one.kustomization,
                named(&sealed)
            );
            let help = format!(
                "write under `secrets`: `{name}: {{as: {{namespace: {namespace}, type: Opaque}}, from: …}}`, with the key `NAME.agekey`",
                name = secret.name,
                namespace = secret.namespace
            );
            findings.push(Finding::warning("flux/no-decryption-key", message).help(help));
        }
    }
    findings
}

fn named(sealed: &[&Sealed]) -> String {
    let shown: Vec<&str> = sealed.iter().take(FILES).map(|sealed| sealed.place.as_str()).collect();
    match sealed.len().saturating_sub(FILES) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
