use std::str::FromStr as _;

use super::super::opened::{check_decryption, check_kustomizations};
use super::*;
use crate::platform::secret::Data;
use crate::redact::Secret;

/// Files that are written down.
struct Written(Vec<(String, String)>, Vec<String>);

impl Written {
    fn of(files: &[(&str, String)]) -> Self {
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), text.clone()))
            .collect();
        let names = files.iter().map(|(path, _)| path.clone()).collect();
        Self(files, names)
    }
}

impl Files for Written {
    fn all(&self) -> &[String] {
        &self.1
    }

    fn text(&self, path: &str) -> Option<String> {
        self.0
            .iter()
            .find(|(known, _)| known == path)
            .map(|(_, text)| text.clone())
    }
}

fn kustomization(name: &str, path: &str, more: &str) -> String {
    format!(
        "---\napiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: {name}, namespace: flux-system}}\n\
         spec: {{path: {path}, prune: true, sourceRef: {{kind: GitRepository, name: flux-system}}{more}}}\n"
    )
}

const DECRYPTS: &str = ", decryption: {provider: sops, secretRef: {name: sops-age}}";

fn encrypted(recipients: &[&str], more: &str) -> String {
    let age: Vec<String> = recipients
        .iter()
        .map(|one| format!("{{recipient: {one}, enc: x}}"))
        .collect();
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: db}}\nstringData: {{a: 'ENC[AES256_GCM,data:x]'}}\n\
         sops: {{age: [{}], mac: 'ENC[x]', version: 3.9.0{more}}}\n",
        age.join(", ")
    )
}

fn found(files: &[(&str, String)]) -> Vec<Decryption> {
    let files = Written::of(files);
    let source = Source {
        name: "platform",
        address: "https://git.example.com/shop/platform.git",
        files: &files,
    };
    decryptions(&[source], &[(0, "clusters/prod".to_owned())])
}

/// Returns what a check of this age key says.
fn said(key: &str, decryptions: &[Decryption]) -> Vec<String> {
    let data: Data = [("prod.agekey".to_owned(), Secret::from(key))].into();
    let findings = check_decryption("sops-age", &data, decryptions.iter());
    findings
        .into_iter()
        .map(|finding| format!("{} ({})", finding.message, finding.help.unwrap_or_default()))
        .collect()
}

#[test]
fn every_file_below_a_kustomization_has_a_recipient_that_the_restored_key_owns_or_is_named() {
    use age::secrecy::ExposeSecret as _;
    let (ours, theirs) = (age::x25519::Identity::generate(), age::x25519::Identity::generate());
    let (public, other) = (ours.to_public().to_string(), theirs.to_public().to_string());
    let files = [
        ("clusters/prod/apps.yaml", kustomization("apps", "./apps", DECRYPTS)),
        (
            "apps/kustomization.yaml",
            "resources: [../base, mine.yaml]\n".to_owned(),
        ),
        ("apps/mine.yaml", encrypted(&[&other, &public], "")),
        ("apps/theirs.yaml", encrypted(&[&other], "")),
        (
            "apps/theirs.env",
            format!("A=ENC[x]\nsops_age__list_0__map_recipient={other}\nsops_mac=ENC[x]\n"),
        ),
        ("apps/cloud.yaml", encrypted(&[], ", kms: [{arn: a}]")),
        (
            "base/theirs.json",
            format!("{{\"a\": \"ENC[x]\", \"sops\": {{\"mac\": \"x\", \"age\": [{{\"recipient\": \"{other}\"}}]}}}}"),
        ),
        ("elsewhere/theirs.yaml", encrypted(&[&other], "")),
    ];
    let found = found(&files);
    assert_eq!(found.len(), 1, "{found:#?}");
    let key = ours.to_string();
    let told = said(&format!("# created\n{}\n", key.expose_secret()), &found);
    assert_eq!(
        told,
        [format!(
            "secret `sops-age`: it holds the age key of {public}, and Kustomization.kustomize.toolkit.fluxcd.io flux-system/apps decrypts \
             with it what is encrypted for others: platform:apps/theirs.env, platform:apps/theirs.yaml, platform:base/theirs.json (store the \
             key of one of its recipients ({other}), or add this one to them (`sops updatekeys`))"
        )]
    );
    assert!(!told[0].contains(key.expose_secret()));
    let both = format!("{}\n{}\n", key.expose_secret(), theirs.to_string().expose_secret());
    assert_eq!(said(&both, &found), [""; 0]);
    assert!(age::x25519::Identity::from_str(key.expose_secret()).is_ok());
}

#[test]
fn a_key_that_is_none_is_told_and_of_one_that_is_not_known_here_nothing_is_said() {
    let files = [
        ("clusters/prod/apps.yaml", kustomization("apps", "./apps", DECRYPTS)),
        ("apps/theirs.yaml", encrypted(&["age1x"], "")),
    ];
    let found = found(&files);
    for (key, words) in [
        (
            "AGE-SECRET-KEY-1CUT",
            &[
                "`prod.agekey` holds no age key, or one that is cut off",
                "it holds no age key under a name",
            ][..],
        ),
        ("", &["holds no age key, or one", "it holds no age key"]),
        ("AGE-PLUGIN-YUBIKEY-1X", &[]),
    ] {
        let told = said(key, &found);
        assert_eq!(told.len(), words.len(), "{key}: {told:#?}");
        assert!(
            words.iter().zip(&told).all(|(words, told)| told.contains(words)),
            "{told:#?}"
        );
    }
    let pgp: Data = [("prod.asc".to_owned(), Secret::from("x"))].into();
    assert_eq!(check_decryption("pgp", &pgp, found.iter()), []);
    let misnamed: Data = [("prod.key".to_owned(), Secret::from("AGE-SECRET-KEY-1"))].into();
    assert_eq!(check_decryption("misnamed", &misnamed, found.iter()).len(), 1);
}

#[test]
fn what_follows_is_found_and_what_nobody_decrypts_or_restores_is_told() {
    let files = [
        ("clusters/prod/infra.yaml", kustomization("infra", "./infra", "")),
        ("infra/more/apps.yaml", kustomization("apps", "apps/", DECRYPTS)),
        ("infra/open.yaml", encrypted(&["age1x"], "")),
        (
            "infra/note.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: sops}\ndata: {sops: none}\n".to_owned(),
        ),
        ("apps/db.yaml", encrypted(&["age1x"], "")),
        (
            "clusters/prod/far.yaml",
            kustomization("far", "./apps", DECRYPTS).replace("kind: GitRepository", "kind: OCIRepository"),
        ),
        ("clusters/stage/apps.yaml", kustomization("stage", "./apps", "")),
    ];
    let found = found(&files);
    let names: Vec<_> = found
        .iter()
        .map(|one| (one.kustomization.name.as_str(), one.sealed.len()))
        .collect();
    assert_eq!(names, [("apps", 1), ("infra", 1)]);
    let told = |restored: bool| -> Vec<String> {
        let findings = check_kustomizations(&found, |_| restored);
        findings
            .into_iter()
            .map(|finding| format!("{}: {}", finding.rule, finding.message))
            .collect()
    };
    let open = "flux/not-decrypted: Kustomization.kustomize.toolkit.fluxcd.io flux-system/infra has no `spec.decryption`, and applies \
                what SOPS has encrypted: platform:infra/open.yaml";
    let key = "flux/no-decryption-key: Kustomization.kustomize.toolkit.fluxcd.io flux-system/apps decrypts with Secret flux-system/sops-age, \
               which the runbook does not restore: platform:apps/db.yaml";
    assert_eq!(told(false), [key, open]);
    assert_eq!(told(true), [open]);
}

#[test]
fn a_kustomization_is_read_from_the_source_of_its_address() {
    let repository = |url: &str| {
        format!(
            "---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {{name: flux-system, namespace: flux-system}}\nspec: {{url: \"{url}\"}}\n"
        )
    };
    for (url, expected) in [
        ("ssh://git@git.example.com/shop/apps", Some("apps:apps/db.yaml")),
        ("https://git.example.com/shop/platform", Some("platform:apps/db.yaml")),
        ("https://elsewhere.example.com/x", None),
    ] {
        let own = Written::of(&[
            (
                "clusters/prod/all.yaml",
                format!("{}{}", repository(url), kustomization("apps", "./apps", DECRYPTS)),
            ),
            ("apps/db.yaml", encrypted(&["age1x"], "")),
        ]);
        let apps = Written::of(&[("apps/db.yaml", encrypted(&["age1x"], ""))]);
        let sources = [("platform", &own), ("apps", &apps)];
        let addresses = [
            "https://git.example.com/shop/platform.git",
            "git@git.example.com:shop/apps.git",
        ];
        let sources: Vec<Source<'_>> = sources
            .iter()
            .zip(addresses)
            .map(|((name, files), address)| Source {
                name,
                address,
                files: *files,
            })
            .collect();
        let found = decryptions(&sources, &[(0, "clusters/prod".to_owned())]);
        let place = found.first().and_then(|one| Some(one.sealed.first()?.place.clone()));
        assert_eq!(place.as_deref(), expected, "{url}");
    }
}
