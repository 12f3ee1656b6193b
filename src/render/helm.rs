//! Runs Helm as Argo CD does (`helmTemplate` in `reposerver/repository`, `util/helm`).

use std::path::Path;

use super::collect::Collection;
use super::form::{self, Form};
use super::job::{Cluster, Job};
use super::renderer::Ground;
use super::turn::{Halt, Turn};
use super::{Error, charts, programs, values};
use crate::exec;
use crate::object::Origin;
use crate::recipe::{Helm, Tool};

/// Renders the chart in a folder. Helm's hooks and tests are part of what is rendered, as the app wants them.
pub(super) async fn render(
    turn: &Turn<'_>,
    ground: &Ground,
    job: &Job,
    collection: &mut Collection,
) -> Result<(), Error> {
    let path = &ground.path;
    let Some(program) = turn.renderer.settings.find("helm") else {
        return Err(Error::NoProgram(path.clone(), Form::Helm, "helm is not"));
    };
    let helm = match &job.tool {
        Some(Tool::Helm(helm)) => (**helm).clone(),
        _ => Helm::default(),
    };
    let home = programs::home()?;
    let args = args(ground, job, &helm, home.path())?;
    let run = async |place: &Path| {
        let run = turn.renderer.program(&program, place, home.path()).args(&args);
        run.run().await.map_err(|error| explain(path, error))
    };
    // What it needs is laid out in a copy, which is there for as long as it is looked at.
    let mut built = None;
    let output = match run(&ground.place).await {
        Err(missing @ Error::NoDependency { .. }) => {
            let settings = &turn.renderer.settings;
            if !settings.network && settings.cache.is_none() {
                return Err(missing);
            }
            let whole = charts::build(turn, ground, helm.pass_credentials, &mut collection.findings).await?;
            run(&built.insert(whole).ground.place).await?
        }
        output => output?,
    };
    let at = path.clone();
    let origin = move |document: &str, _| Origin {
        file: source(&at, document),
        line: 0,
    };
    collection.written(turn, output, origin).await?;
    let chart = built.as_ref().map_or(ground, |built| &built.ground).place.clone();
    collection.asks |= turn.aside(move |halt| asks(&chart, 0, &mut 0, halt)).await?;
    Ok(())
}

/// Returns the template that a document is from, which Helm writes above it with the chart's name in front.
fn source(path: &str, document: &str) -> String {
    document
        .lines()
        .find_map(|line| line.strip_prefix("# Source: "))
        .and_then(|source| source.split_once('/'))
        .map_or_else(|| path.to_owned(), |(_, template)| form::within(path, template))
}

/// By this a template asks which kinds the cluster serves.
const ASKS: &[u8] = b"APIVersions";

/// How many folders lie in each other, and how many bytes of templates are looked through, before a chart is taken to ask.
const DEEPEST: usize = 32;
const MOST: u64 = 64 << 20;

/// Whether a chart may ask which kinds the cluster serves, itself or by a chart in it. What is not looked at is taken to ask: a
/// chart that is packed, and a link, which is never followed, for it may lead back to where it is.
fn asks(folder: &Path, depth: usize, sum: &mut u64, halt: &Halt) -> Result<bool, Error> {
    halt.check()?;
    if depth > DEEPEST {
        return Ok(true);
    }
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, kind) = (entry.path(), entry.file_type().ok());
        let ends = |ends: &[&str]| path.extension().is_some_and(|end| ends.iter().any(|one| end == *one));
        let is_one = match kind {
            Some(kind) if kind.is_dir() => asks(&path, depth + 1, sum, halt)?,
            Some(kind) if kind.is_symlink() => true,
            Some(kind) if kind.is_file() && ends(&["yaml", "yml", "tpl"]) => {
                *sum += entry.metadata().map_or(0, |about| about.len());
                *sum > MOST || {
                    let text = std::fs::read(&path).unwrap_or_default();
                    text.windows(ASKS.len()).any(|part| part == ASKS)
                }
            }
            _ => ends(&["tgz"]),
        };
        if is_one {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns what Helm is told. Values that the app itself says are written to a file in `home`.
fn args(ground: &Ground, job: &Job, helm: &Helm, home: &Path) -> Result<Vec<String>, Error> {
    let or = |said: &str, otherwise: &str| if said.is_empty() { otherwise } else { said }.to_owned();
    let mut args = vec!["template".to_owned(), ".".to_owned()];
    args.push(format!("--name-template={}", or(&helm.release_name, &job.name)));
    let namespace = or(&helm.namespace, &job.namespace);
    if !namespace.is_empty() {
        args.push(format!("--namespace={namespace}"));
    }
    let (version, kinds) = cluster(&job.cluster, &helm.kube_version, &helm.api_versions)?;
    args.extend(version.map(|version| format!("--kube-version={version}")));
    for parameter in &helm.parameters {
        let how = if parameter.force_string { "set-string" } else { "set" };
        let value = without_commas(&job.environment.expand(&parameter.value));
        args.push(format!("--{how}={}={value}", parameter.name));
    }
    for parameter in &helm.file_parameters {
        let file = values::file(ground, job, &parameter.path)?.ok_or_else(|| missing(&parameter.path))?;
        let file = without_commas(&file.display().to_string());
        args.push(format!("--set-file={}={file}", parameter.name));
    }
    for written in &helm.value_files {
        match values::file(ground, job, written)? {
            // Helm reads a list here, with commas between and quotes around what holds one.
            Some(file) => args.push(format!(
                "--values=\"{}\"",
                file.display().to_string().replace('"', "\"\"")
            )),
            None if helm.ignore_missing_value_files => {}
            None => return Err(missing(written)),
        }
    }
    let said = helm
        .values_object
        .as_ref()
        .map_or_else(|| helm.values.clone(), ToString::to_string);
    if !said.is_empty() {
        let file = home.join("values.yaml");
        std::fs::write(&file, said).map_err(|source| Error::Unreadable {
            path: file.clone(),
            source,
        })?;
        args.push(format!("--values={}", file.display()));
    }
    args.extend(kinds.iter().map(|kind| format!("--api-versions={kind}")));
    for (flag, is_set) in [
        ("--include-crds", !helm.skip_crds),
        ("--skip-schema-validation", helm.skip_schema_validation),
        ("--skip-tests", helm.skip_tests),
    ] {
        args.extend(is_set.then(|| flag.to_owned()));
    }
    Ok(args)
}

fn missing(written: &str) -> Error {
    Error::NotThere {
        path: written.to_owned(),
        near: None,
    }
}

/// Returns what is said of the cluster: by the app, or else as it is.
pub(super) fn cluster<'said>(
    cluster: &'said Cluster,
    version: &str,
    kinds: &'said [String],
) -> Result<(Option<String>, &'said [String]), Error> {
    let version = if version.is_empty() {
        cluster.kube_version.as_deref().unwrap_or_default()
    } else {
        version
    };
    let kinds = if kinds.is_empty() { &cluster.api_versions } else { kinds };
    // What follows the numbers, Helm may not know (`parseKubeVersion`).
    let bare = version.strip_prefix('v').unwrap_or(version);
    let numbers: String = bare
        .chars()
        .take_while(|letter| letter.is_ascii_digit() || *letter == '.')
        .collect();
    let numbers = numbers.trim_end_matches('.');
    if version.is_empty() {
        return Ok((None, kinds));
    }
    if numbers.split('.').count() < 2 || numbers.split('.').any(str::is_empty) {
        return Err(Error::Refused(format!("could not parse kubernetes version {version}")));
    }
    Ok((Some(numbers.to_owned()), kinds))
}

/// Escapes commas that are not escaped, except in a list (`cleanSetParameters` in `util/helm`).
fn without_commas(value: &str) -> String {
    if value.starts_with('{') && value.ends_with('}') {
        return value.to_owned();
    }
    let mut escaped = String::with_capacity(value.len());
    let mut before = None;
    for letter in value.chars() {
        if letter == ',' && before != Some('\\') {
            escaped.push('\\');
        }
        escaped.push(letter);
        before = Some(letter);
    }
    escaped
}

fn explain(path: &str, error: exec::Error) -> Error {
    let said = error.to_string();
    match said.split_once("missing in charts/ directory:") {
        Some((_, missing)) => Error::NoDependency {
            path: path.to_owned(),
            missing: missing.lines().next().unwrap_or_default().trim().to_owned(),
        },
        None => programs::explain(path, Form::Helm, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_asks_by_its_templates_and_links_in_it_are_never_followed() {
        let of = |fill: &dyn Fn(&Path)| {
            let chart = tempfile::tempdir().unwrap();
            std::fs::write(chart.path().join("Chart.yaml"), "name: c\n").unwrap();
            fill(chart.path());
            let mut sum = 0;
            (asks(chart.path(), 0, &mut sum, &Halt::default()).unwrap(), sum)
        };
        assert_eq!(of(&|_| {}), (false, 8));
        let with = |name: &'static str| {
            of(&move |chart| std::fs::write(chart.join(name), "{{ .Capabilities.APIVersions }}").unwrap()).0
        };
        assert_eq!(
            ["a.tpl", "a.yaml", "a.tgz", "a.md"].map(with),
            [true, true, true, false]
        );
        // Two that lead back would be 2^40 folders. Nothing is read by them.
        let (is_asking, sum) = of(&|chart| {
            for name in ["a", "b"] {
                std::os::unix::fs::symlink(".", chart.join(name)).unwrap();
            }
        });
        assert!(is_asking && sum <= 8, "{sum}");
        let deep = of(&|chart| std::fs::create_dir_all(chart.join("d/".repeat(DEEPEST + 1))).unwrap());
        assert!(deep.0);
        let much = of(&|chart| {
            std::fs::File::create(chart.join("a.yaml"))
                .unwrap()
                .set_len(MOST + 1)
                .unwrap();
        });
        assert!(much.0);
    }

    #[test]
    fn commas_are_escaped_as_argo_cd_does() {
        // From `TestHelmArgCleaner` of `util/helm`.
        for (value, expected) in [
            ("val", "val"),
            ("test1,test2", "test1\\,test2"),
            ("not, clean", "not\\, clean"),
            ("a\\,b,c", "a\\,b\\,c"),
            ("{a,b,c}", "{a,b,c}"),
            ("\\,", "\\,"),
        ] {
            assert_eq!(without_commas(value), expected, "{value}");
        }
    }

    #[test]
    fn a_version_is_told_without_what_a_distribution_adds() {
        let of = |version: &str| {
            let cluster = Cluster::default();
            super::cluster(&cluster, version, &[]).map(|(version, _)| version).ok()
        };
        for (version, expected) in [
            ("1.35.4", Some(Some("1.35.4"))),
            ("v1.35", Some(Some("1.35"))),
            ("v1.31.2+k3s1", Some(Some("1.31.2"))),
            ("1.30.0-gke.1", Some(Some("1.30.0"))),
            ("", Some(None)),
            ("new", None),
        ] {
            assert_eq!(
                of(version),
                expected.map(|version| version.map(str::to_owned)),
                "{version}"
            );
        }
    }
}
