//! A repository cannot make this machine's own servers be read: no list of a kustomization leads to one.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::scene::{config, job, render_with, repository, settings, words};

/// A server of this machine that counts who asks it.
fn server() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/file.txt", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            counts.fetch_add(1, Ordering::SeqCst);
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\na=b");
        }
    });
    (address, asked)
}

/// Each list of a kustomization that may name a file, with `URL` for an address.
const LISTS: [&str; 30] = [
    "resources: ['URL']",
    "bases: ['URL']",
    "components: ['URL']",
    "Resources: ['HTTPURL']",
    "resource\u{17f}: ['URL']",
    "configMapGenerator: [{name: g, files: ['x=URL']}]",
    "configMapGenerator: [{name: g, files: ['URL']}]",
    "configMapGenerator: [{name: g, envs: ['URL']}]",
    "configMapGenerator: [{name: g, env: 'URL'}]",
    "ConfigMapGenerator: [{name: g, FILES: ['URL']}]",
    "secretGenerator: [{name: g, files: ['x=URL']}]",
    "secretGenerator: [{name: g, envs: ['URL']}]",
    "crds: ['URL']",
    "configurations: ['URL']",
    "patches: [{path: 'URL'}]",
    "patchesJson6902: [{path: 'URL', target: {version: v1, kind: ConfigMap, name: a}}]",
    "patchesStrategicMerge: ['URL']",
    "transformers: ['URL']",
    "generators: ['URL']",
    "validators: ['URL']",
    "openapi: {path: 'URL'}",
    "replacements: [{path: 'URL'}]",
    "generators: [generator.yaml]",
    "generators: [../generators]",
    "generators: [\"apiVersion: builtin\\nkind: ConfigMapGenerator\\nmetadata: {name: g}\\nname: g\\nfiles: ['URL']\\n\"]",
    "transformers: [\"apiVersion: builtin\\nkind: PatchTransformer\\nmetadata: {name: g}\\npath: URL\\n\"]",
    "helmCharts: [{name: redis, version: 1.0.0, repo: 'URL'}]",
    "helmCharts: [{name: redis, valuesFile: 'URL'}]",
    "helmCharts: [{name: redis, additionalValuesFiles: ['URL']}]",
    "helmChartInflationGenerator: [{chartName: redis, chartRepoUrl: 'URL'}]",
];

#[tokio::test]
async fn no_list_of_a_kustomization_makes_a_server_of_this_machine_be_read() {
    let (address, asked) = server();
    let mut wrong = Vec::new();
    for list in LISTS {
        let with = |text: &str| {
            text.replace("HTTPURL", &address.replace("http:", "HTTP:"))
                .replace("URL", &address)
        };
        let generator = "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: g}\nname: g\nfiles: ['URL']\n";
        let own = with(&format!("\n{list}\n"));
        let root = repository(&[
            ("app/kustomization.yaml", "resources: [../base]\n"),
            // A base says it, and a folder of that name excuses nothing.
            ("base/kustomization.yaml", &own),
            (&format!("base/{}", address.replace("://", ":/")), "a=b\n"),
            ("base/generator.yaml", &with(generator)),
            ("generators/kustomization.yaml", "resources: [generator.yaml]\n"),
            ("generators/generator.yaml", &with(generator)),
            ("base/a.yaml", &config("a")),
        ]);
        let mut charts = settings();
        charts.build_options = "--enable-helm".to_owned();
        let before = asked.load(Ordering::SeqCst);
        let said = match render_with(charts, &job(root.path(), "app", None)).await {
            Ok(_) => "it is rendered".to_owned(),
            Err(error) => words(&error),
        };
        if asked.load(Ordering::SeqCst) != before {
            wrong.push(format!("{list}: the server was asked"));
        }
        let is_placed = said.contains("base/kustomization.yaml:2") || said.contains("generator.yaml:5");
        if !said.contains("on a server, which is not fetched") || !is_placed {
            wrong.push(format!("{list}: {said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    // The server is there for whoever asks.
    let mut stream = std::net::TcpStream::connect(address.split('/').nth(2).unwrap()).unwrap();
    stream.write_all(b"GET /file.txt HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("a=b"), "{answer}");
    assert!(asked.load(Ordering::SeqCst) > 0);
}
