//! Which variables that a program of the runbook, or of a store, gets hold what nobody may see.

use std::path::Path;

use url::Url;

use crate::redact::{Redactor, Secret};
use crate::runbook::{ExtraAction, Runbook, StoreKind};

/// Words in the names of variables whose values are secret.
const SECRET: [&str; 8] = ["TOKEN", "SECRET", "PASS", "PWD", "KEY", "CRED", "AUTH", "DSN"];

/// How names of variables end that say where or which. Whatever else a program is given may be a secret.
const PLAIN: [&str; 19] = [
    "ADDR",
    "ADDRESS",
    "CLUSTER",
    "CONTEXT",
    "DIR",
    "ENDPOINT",
    "ENV",
    "ENVIRONMENT",
    "HOST",
    "LANG",
    "LEVEL",
    "MODE",
    "NAME",
    "NAMESPACE",
    "PORT",
    "PROFILE",
    "REGION",
    "URL",
    "ZONE",
];

/// Where the value of a variable is masked.
#[derive(Debug, PartialEq, Eq)]
enum Masked {
    Everywhere,
    /// Only in what the program writes: masked everywhere, a word such as `production` would make each screen unreadable.
    InOutput,
    Nowhere,
}

/// Learns the values of variables of which it is certain that they are secret.
pub fn learn_variables(runbook: &Runbook, redactor: &Redactor) {
    let programs = runbook.steps.iter().filter_map(|step| match &step.action {
        ExtraAction::Run(program) => Some(program),
        _ => None,
    });
    let stores = runbook.stores.iter().filter_map(|store| match &store.kind {
        StoreKind::Exec(program) => Some(&program.env),
        StoreKind::Sops(sops) => Some(&sops.env),
        _ => None,
    });
    for name in programs.map(|program| &program.env).chain(stores).flatten() {
        learn_of(name, &Masked::Everywhere, redactor);
    }
}

/// Returns a redactor for what a program writes that gets these variables.
pub fn of_output(names: &[String], redactor: &Redactor) -> Redactor {
    let own = redactor.apart();
    for name in names {
        learn_of(name, &Masked::InOutput, &own);
    }
    own
}

fn learn_of(name: &str, wanted: &Masked, redactor: &Redactor) {
    let Ok(value) = std::env::var(name) else { return };
    let value = value.trim();
    if masked(name, value, Path::exists) != *wanted {
        return;
    }
    redactor.learn(&Secret::from(value));
    if let Some(password) = Url::parse(value).ok().as_ref().and_then(Url::password) {
        redactor.learn(&Secret::from(password));
        let plain = percent_encoding::percent_decode_str(password).decode_utf8_lossy();
        redactor.learn(&Secret::from(&*plain));
    }
}

fn masked(name: &str, value: &str, is_there: impl Fn(&Path) -> bool) -> Masked {
    let path = Path::new(value);
    if path.is_absolute() && is_there(path) {
        return Masked::Nowhere;
    }
    let name = name.to_uppercase();
    let holds_password = Url::parse(value).is_ok_and(|url| url.password().is_some());
    if holds_password || SECRET.iter().any(|word| name.contains(word)) {
        return Masked::Everywhere;
    }
    let last = name.rsplit('_').next().unwrap_or_default();
    if PLAIN.contains(&last) {
        Masked::Nowhere
    } else {
        Masked::InOutput
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_is_given_is_a_secret_unless_its_name_says_otherwise() {
        use Masked::{Everywhere, InOutput, Nowhere};
        for (name, value, expected) in [
            ("VAULT_TOKEN", "hvs.abc", Everywhere),
            ("PGPASS", "alsosecret1", Everywhere),
            ("api_key", "1234567", Everywhere),
            ("DATABASE_URL", "postgres://u:topsecretpw@h/db", Everywhere),
            ("DATABASE_URL", "postgres://h/db", Nowhere),
            ("AWS_REGION", "eu-west-1", Nowhere),
            ("KUBECONFIG", "/home/ann/.kube/config", Nowhere),
            ("PGPASSFILE", "/home/ann/.kube/config", Nowhere),
            ("PGPASSFILE", "/nowhere", Everywhere),
            ("STAGE", "production", InOutput),
        ] {
            let is_there = |path: &Path| path == Path::new("/home/ann/.kube/config");
            assert_eq!(masked(name, value, is_there), expected, "{name}={value}");
        }
    }

    #[test]
    fn what_only_a_programs_output_must_not_show_is_masked_nowhere_else() {
        let redactor = Redactor::default();
        redactor.learn(&Secret::from("hunter2hunter2"));
        let own = redactor.apart();
        own.learn(&Secret::from("production"));
        assert_eq!(own.redact("hunter2hunter2 in production"), "«secret» in «secret»");
        assert_eq!(
            redactor.redact("hunter2hunter2 in production"),
            "«secret» in production"
        );
    }
}
