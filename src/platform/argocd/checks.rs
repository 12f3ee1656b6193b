//! Where an Argo CD keeps the health checks that are not in its code: in its settings, and in a folder of its release.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::health::lua::Script;
use crate::yaml;

/// The key of `argocd-cm` that holds all customizations as YAML, and the start of the keys that hold one each.
const KEY: &str = "resource.customizations";

/// The folder of a release that holds its scripts, as `group/Kind/health.lua`.
pub const FOLDER: &str = "resource_customizations";

/// The name of such a file.
const FILE: &str = "health.lua";

/// Why the customizations cannot be read. Argo CD itself reconciles nothing then.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` of argocd-cm cannot be read: {why}")]
pub struct Unreadable {
    /// The key of `argocd-cm`.
    pub key: String,
    /// What is wrong with it.
    pub why: String,
}

/// Reads the scripts of `argocd-cm` by what they judge (`util/settings/settings.go`, `GetResourceOverrides`): a name
/// such as `cert-manager.io/Certificate`, or a pattern.
pub fn of_settings(settings: Option<&Value>) -> Result<BTreeMap<String, Script>, Unreadable> {
    let mut overrides = BTreeMap::new();
    let data = settings.and_then(|settings| settings.get("data")?.as_object());
    let mut keys: Vec<_> = data.into_iter().flatten().collect();
    // The map goes first, since the keys for one kind say more.
    keys.sort_by_key(|(key, _)| key.as_str());
    for (key, text) in keys {
        let text = text.as_str().unwrap_or_default();
        read(key, text, &mut overrides).map_err(|why| Unreadable { key: key.clone(), why })?;
    }
    let scripts = overrides.into_iter().filter(|(_, check)| !check.text.is_empty());
    Ok(scripts
        .map(|(name, check)| (name, Script::new(check.text, check.libraries)))
        .collect())
}

/// Reads the scripts of a release from its files, each with its path below [`FOLDER`]. `_` stands for any name there
/// (`util/lua/lua.go`); what is no health check is left out.
pub fn of_bundle(files: impl IntoIterator<Item = (String, String)>) -> BTreeMap<String, Script> {
    let of_file = |(path, text): (String, String)| {
        let name = path.strip_suffix(FILE)?.strip_suffix('/')?;
        Some((name.replace('_', "*"), Script::new(text, true)))
    };
    files.into_iter().filter_map(of_file).collect()
}

/// What is said of one kind.
#[derive(Default)]
struct Override {
    text: String,
    libraries: bool,
}

fn read(key: &str, text: &str, overrides: &mut BTreeMap<String, Override>) -> Result<(), String> {
    let Some(rest) = key.strip_prefix(KEY) else {
        return Ok(());
    };
    if rest.is_empty() {
        return read_map(text, overrides);
    }
    let Some((what, kind)) = rest.strip_prefix('.').and_then(|rest| rest.split_once('.')) else {
        return Ok(());
    };
    let name = match kind.split('_').collect::<Vec<_>>()[..] {
        ["all"] => "*/*".to_owned(),
        [kind] if !kind.is_empty() => kind.to_owned(),
        [group, kind] => format!("{group}/{kind}"),
        _ => return Err("it ends in neither `group_Kind` nor `Kind`".to_owned()),
    };
    match what {
        "health" => text.clone_into(&mut overrides.entry(name).or_default().text),
        "useOpenLibs" => overrides.entry(name).or_default().libraries = truth(text)?,
        "actions" | "ignoreDifferences" | "ignoreResourceUpdates" | "knownTypeFields" => {}
        other => return Err(format!("there is no customization `{other}`")),
    }
    Ok(())
}

fn read_map(text: &str, overrides: &mut BTreeMap<String, Override>) -> Result<(), String> {
    let documents = yaml::manifests(text).map_err(|error| format!("line {}: {error}", error.line))?;
    let Some((_, value)) = documents.into_iter().next() else {
        return Ok(());
    };
    let map = value.as_object().ok_or("it is not a mapping of `group/Kind`")?;
    for (name, customization) in map {
        let text = match customization.get("health.lua") {
            None | Some(Value::Null) => "",
            Some(Value::String(text)) => text,
            Some(_) => return Err(format!("`health.lua` of `{name}` is not a text")),
        };
        let libraries = match customization.get("health.lua.useOpenLibs") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(libraries)) => *libraries,
            Some(_) => {
                return Err(format!(
                    "`health.lua.useOpenLibs` of `{name}` is neither true nor false"
                ));
            }
        };
        let text = text.to_owned();
        overrides.insert(name.clone(), Override { text, libraries });
    }
    Ok(())
}

/// Reads a truth as Go does (`strconv.ParseBool`).
fn truth(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err("it is neither true nor false".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::health::lua::Checks;

    /// What the script for an object says; the message of `argocd-cm`'s scripts names the key that they come from.
    fn said(data: &Value, api_version: &str, kind: &str) -> Option<String> {
        let settings = of_settings(Some(&json!({"data": data}))).unwrap();
        let checks = Checks::new(settings, BTreeMap::new());
        let object = json!({"apiVersion": api_version, "kind": kind});
        checks.judge(&object).map(|health| health.message)
    }

    fn says(word: &str) -> String {
        format!("return {{status = 'Healthy', message = '{word}'}}")
    }

    #[test]
    fn every_form_of_a_customization_is_read() {
        let upper = "return {status = 'Healthy', message = string.upper('open')}";
        let data = json!({
            "resource.customizations": format!(
                "cert-manager.io/Certificate:\n  health.lua: {}\n'*.crossplane.io/*':\n  health.lua: {}\nb.io/B:\n  health.lua: {upper}\n  health.lua.useOpenLibs: true\nc.io/C:\n  ignoreDifferences: x\nPod: null\n",
                json!(says("map")), json!(says("pattern"))
            ),
            "resource.customizations.health.argoproj.io_Application": says("app"),
            "resource.customizations.health.Service": says("core"),
            "resource.customizations.health.d.io_D": upper,
            "resource.customizations.useOpenLibs.d.io_D": "True",
            "resource.customizations.health.e.io_E": "",
            "resource.customizations.actions.f.io_F": "x",
            "resource.customizations.ignoreDifferences.all": "x",
            "resource.compareoptions": "ignoreResourceStatusField: none",
            "url": "https://argocd.example.com",
        });
        for (api_version, kind, expected) in [
            ("cert-manager.io/v1", "Certificate", Some("map")),
            ("s3.aws.crossplane.io/v1", "Bucket", Some("pattern")),
            ("b.io/v1", "B", Some("OPEN")),
            ("argoproj.io/v1alpha1", "Application", Some("app")),
            ("v1", "Service", Some("core")),
            ("d.io/v1", "D", Some("OPEN")),
            ("e.io/v1", "E", None),
            ("c.io/v1", "C", None),
            ("v1", "ConfigMap", None),
        ] {
            assert_eq!(said(&data, api_version, kind).as_deref(), expected, "{kind}");
        }
    }

    #[test]
    fn a_key_for_one_kind_goes_before_the_map_and_all_is_a_pattern() {
        let data = json!({
            "resource.customizations": format!("a.io/A:\n  health.lua: {}\n", json!(says("map"))),
            "resource.customizations.health.a.io_A": says("key"),
            "resource.customizations.health.all": says("all"),
        });
        assert_eq!(said(&data, "a.io/v1", "A").as_deref(), Some("key"));
        assert_eq!(said(&data, "b.io/v1", "B").as_deref(), Some("all"));
        assert_eq!(said(&data, "v1", "ConfigMap"), None);
    }

    #[test]
    fn an_agent_without_settings_has_no_scripts() {
        for settings in [
            None,
            Some(json!({})),
            Some(json!({"data": null})),
            Some(json!({"data": {"resource.customizations": ""}})),
        ] {
            assert_eq!(of_settings(settings.as_ref()).unwrap().len(), 0);
        }
    }

    #[test]
    fn what_argo_cd_cannot_read_is_named() {
        for (key, text, expected) in [
            ("resource.customizations", "a: [", "line 1"),
            ("resource.customizations", "a", "not a mapping"),
            (
                "resource.customizations",
                "a.io/A:\n  health.lua: [1]\n",
                "`health.lua` of `a.io/A`",
            ),
            (
                "resource.customizations",
                "a.io/A:\n  health.lua.useOpenLibs: 3\n",
                "neither true nor false",
            ),
            ("resource.customizations.useOpenLibs.A", "yes", "neither true nor false"),
            (
                "resource.customizations.health.a_b_C",
                "x",
                "neither `group_Kind` nor `Kind`",
            ),
            ("resource.customizations.helth.A", "x", "no customization `helth`"),
        ] {
            let error = of_settings(Some(&json!({"data": {key: text}}))).unwrap_err();
            assert_eq!(error.key, key);
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

    #[test]
    fn the_files_of_a_release_are_checks_by_their_folders() {
        let file = |path: &str| (path.to_owned(), says(path));
        let bundle = of_bundle([
            file("cert-manager.io/Certificate/health.lua"),
            file("cert-manager.io/Certificate/health_test.yaml"),
            file("cert-manager.io/Certificate/actions/renew/action.lua"),
            file("_.crossplane.io/_/health.lua"),
            file("Pod/health.lua"),
        ]);
        let names: Vec<_> = bundle.keys().map(String::as_str).collect();
        assert_eq!(names, ["*.crossplane.io/*", "Pod", "cert-manager.io/Certificate"]);
    }
}
