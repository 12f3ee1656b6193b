//! The rules of the house, held against its own source. ARCHITECTURE.md gives the reasons; the table of modules is read
//! from that page, so that page and code cannot differ.
//!
//! Each rule is a function from the house to complaints. Its test shows that the house as it stands keeps the rule, and
//! that a house which breaks it is caught.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// More lines than this are refused.
const TOO_LONG: usize = 800;
/// More lines than this are told beside a refusal.
const LONG: usize = 400;
/// `main.rs` parses and exits.
const MAIN: usize = 20;

/// The source and the pages, by their paths from the repository's root.
#[derive(Clone)]
struct House {
    sources: BTreeMap<String, Rc<Source>>,
    pages: BTreeMap<String, String>,
}

/// A file of Rust.
struct Source {
    text: String,
    tokens: OnceCell<Vec<TokenTree>>,
}

impl Source {
    fn new(text: impl Into<String>) -> Rc<Self> {
        Rc::new(Self {
            text: text.into(),
            tokens: OnceCell::new(),
        })
    }

    /// Its tokens: without comments, with texts as one token each.
    fn tokens(&self) -> &[TokenTree] {
        self.tokens
            .get_or_init(|| self.text.parse::<TokenStream>().unwrap().into_iter().collect())
    }
}

type Complaints = Vec<String>;

impl House {
    fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut house = Self {
            sources: BTreeMap::new(),
            pages: BTreeMap::new(),
        };
        for folder in ["src", "tests", "benches", "docs"] {
            house.add(root, &root.join(folder));
        }
        for page in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"] {
            house
                .pages
                .insert(page.into(), std::fs::read_to_string(root.join(page)).unwrap());
        }
        house
    }

    fn add(&mut self, root: &Path, folder: &Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().display().to_string();
            match path.extension().and_then(|extension| extension.to_str()) {
                _ if path.is_dir() => self.add(root, &path),
                Some("rs") => drop(
                    self.sources
                        .insert(name, Source::new(std::fs::read_to_string(&path).unwrap())),
                ),
                Some("md") => drop(self.pages.insert(name, std::fs::read_to_string(&path).unwrap())),
                _ => {}
            }
        }
    }

    /// The same house with one more file, or another text in one.
    fn with(&self, file: &str, text: impl Into<String>) -> Self {
        let mut house = self.clone();
        house.sources.insert(file.into(), Source::new(text));
        house
    }

    /// The same house with a page in which something else is written.
    fn rewritten(&self, page: &str, from: &str, to: &str) -> Self {
        let mut house = self.clone();
        let text = &self.pages[page];
        assert!(text.contains(from), "{page} does not say `{from}`");
        house.pages.insert(page.into(), text.replacen(from, to, 1));
        house
    }

    /// The files below a folder.
    fn below(&self, folder: &'static str) -> impl Iterator<Item = (&String, &Source)> {
        self.sources
            .iter()
            .map(|(path, source)| (path, source.as_ref()))
            .filter(move |(path, _)| path.starts_with(folder))
    }

    /// The modules of the library, as its folders and files name them.
    fn modules(&self) -> BTreeSet<&str> {
        self.below("src/")
            .map(|(path, _)| module_of(path))
            .filter(|module| !["lib", "main"].contains(module))
            .collect()
    }
}

/// Holds a rule: the house keeps it, and each broken house is caught.
#[track_caller]
fn holds(rule: impl Fn(&House) -> Complaints, broken: impl Fn(&House) -> Vec<House>) {
    let house = House::read();
    let complaints = rule(&house);
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    for (index, house) in broken(&house).iter().enumerate() {
        assert!(
            !rule(house).is_empty(),
            "the rule does not see what is wrong with broken house {index}"
        );
    }
}

// ------------------------------------------------------------------------------------------------------------ rules

#[test]
fn modules_use_only_what_the_table_lets_them() {
    holds(uses, |house| {
        vec![
            house.with("src/git/new.rs", "use crate::steps::World;"),
            house.with("src/git/new.rs", "fn new() { let _ = crate::cluster::MANAGER; }"),
            house.with("src/git/new.rs", "use crate::{redact::Secret, secrets};"),
            house.with("src/git/new.rs", "use super::super::secrets::Store;"),
            house.with(
                "src/git/new.rs",
                "#[cfg(test)] mod tests { use super::super::super::{render::Form}; }",
            ),
            house.with("src/clock.rs", "use super::event::Event;"),
            house.with("src/git/new.rs", "use crate::World;"),
            house.rewritten("ARCHITECTURE.md", "| `steps` | `engine`", "| `steps` | "),
        ]
    });
}

/// Holds every path into another module against the table.
fn uses(house: &House) -> Complaints {
    let (table, modules) = (table(house), house.modules());
    let mut complaints = Vec::new();
    for (path, source) in house.below("src/") {
        let module = module_of(path);
        let Some(may) = table
            .iter()
            .find(|row| row.modules.contains(module))
            .map(|row| &row.uses)
        else {
            continue;
        };
        for used in paths(source, depth_of(path)) {
            if !modules.contains(used.as_str()) {
                complaints.push(format!(
                    "{path}: `crate::{used}` is no module: name it by the module it belongs to"
                ));
            } else if used != module && !may.contains(&used) {
                complaints.push(format!(
                    "{path}: `{module}` may not use `{used}`; see the table in ARCHITECTURE.md"
                ));
            }
        }
    }
    complaints
}

#[test]
fn the_table_names_every_module_once_and_points_down_only() {
    holds(table_is_sound, |house| {
        vec![
            house.with("src/new.rs", ""),
            house.with("src/new/mod.rs", ""),
            house.rewritten("ARCHITECTURE.md", "| `git`", "| `got`"),
            house.rewritten("ARCHITECTURE.md", "| `git`", "| `git` `steps`"),
            house.rewritten(
                "ARCHITECTURE.md",
                "| `runbook` | leaves",
                "| `runbook` | `plan`, leaves",
            ),
        ]
    });
}

/// Each module has one row; what it may use stands below it, so that there is no way round and back.
fn table_is_sound(house: &House) -> Complaints {
    let (table, modules) = (table(house), house.modules());
    let mut complaints = Vec::new();
    let mut above = BTreeSet::new();
    for row in &table {
        for module in &row.modules {
            if !modules.contains(module.as_str()) {
                complaints.push(format!("ARCHITECTURE.md: there is no module `{module}`"));
            }
            if !above.insert(module.clone()) {
                complaints.push(format!("ARCHITECTURE.md: `{module}` has two rows"));
            }
        }
        let upwards = row.uses.iter().filter(|used| above.contains(*used));
        complaints.extend(upwards.map(|used| {
            format!(
                "ARCHITECTURE.md: {:?} may use `{used}`, which is not below",
                row.modules
            )
        }));
    }
    let missing = modules.iter().filter(|module| !above.contains(**module));
    complaints.extend(missing.map(|module| format!("ARCHITECTURE.md: the table does not name `{module}`")));
    complaints
}

#[test]
fn no_file_is_too_long() {
    holds(lengths, |house| {
        vec![
            house.with("src/git/new.rs", "\n".repeat(TOO_LONG + 1)),
            house.with("tests/integration/new.rs", "\n".repeat(TOO_LONG + 1)),
            house.with("benches/new.rs", "\n".repeat(TOO_LONG + 1)),
            house.with("src/main.rs", "\n".repeat(MAIN + 1)),
        ]
    });
}

fn lengths(house: &House) -> Complaints {
    let most = |path: &str| if path == "src/main.rs" { MAIN } else { TOO_LONG };
    let lines = |limit: &dyn Fn(&str) -> usize| -> Vec<String> {
        let long = house
            .sources
            .iter()
            .map(|(path, source)| (path, source.text.lines().count()));
        long.filter(|(path, lines)| *lines > limit(path))
            .map(|(path, lines)| format!("{path}: {lines} lines"))
            .collect()
    };
    let mut complaints = lines(&most);
    if !complaints.is_empty() {
        complaints.insert(
            0,
            format!("at most {TOO_LONG} lines a file, {MAIN} in main.rs; split by what changes together:"),
        );
        complaints.push(format!("over {LONG}, which is a smell already:"));
        complaints.extend(lines(&|_| LONG));
    }
    complaints
}

#[test]
fn a_mod_file_explains_and_re_exports() {
    holds(mod_files, |house| {
        vec![
            house.with("src/git/mod.rs", "mod fetch; fn new() {}"),
            house.with("src/git/mod.rs", "pub(super) struct New;"),
            house.with("src/lib.rs", "impl New {}"),
        ]
    });
}

fn mod_files(house: &House) -> Complaints {
    let made = ["fn", "impl", "struct", "enum", "trait", "macro_rules"];
    let mut complaints = Vec::new();
    for (path, source) in house.below("src/").chain(house.below("tests/integration/")) {
        if path.ends_with("/mod.rs") || path == "src/lib.rs" {
            let found = source
                .tokens()
                .iter()
                .find(|token| made.iter().any(|word| is(token, word)));
            complaints
                .extend(found.map(|token| format!("{path}: `{token}` belongs into a file with a name of its own")));
        }
    }
    complaints
}

#[test]
fn names_say_what_is_inside() {
    holds(names, |house| {
        vec![house.with("src/git/utils.rs", ""), house.with("src/helpers/mod.rs", "")]
    });
}

fn names(house: &House) -> Complaints {
    let bags = ["util", "utils", "helper", "helpers", "common", "misc"];
    let parts = |path: &str| path.trim_end_matches(".rs").split('/').any(|part| bags.contains(&part));
    house
        .sources
        .keys()
        .filter(|path| parts(path))
        .map(|path| format!("{path}: name it by what it does"))
        .collect()
}

#[test]
fn no_file_is_forgotten() {
    holds(wired, |house| {
        vec![
            house.with("tests/integration/new.rs", "#[test] fn never_run() {}"),
            house.with("tests/integration/vault/new.rs", "#[test] fn never_run() {}"),
            house.with("src/engine/run/new.rs", ""),
            house.with("src/git/new/mod.rs", ""),
            house.with("benches/new.rs", ""),
        ]
    });
}

/// A file that nobody names is not compiled, and its tests are not run.
fn wired(house: &House) -> Complaints {
    let mut complaints = Vec::new();
    for path in house.sources.keys() {
        let place = path
            .strip_suffix("/mod.rs")
            .or(path.strip_suffix(".rs"))
            .unwrap_or(path);
        let (folder, name) = place.rsplit_once('/').unwrap_or(("", place));
        if ["main", "lib", "build"].contains(&name) || folder.ends_with("/bin") {
            continue;
        }
        let above = ["/mod.rs", "/main.rs", "/lib.rs", ".rs"].map(|file| format!("{folder}{file}"));
        let mut namers = above.iter().filter_map(|file| house.sources.get(file));
        let by_name = namers.any(|source| {
            source
                .tokens()
                .windows(3)
                .any(|three| is(&three[0], "mod") && is(&three[1], name) && is(&three[2], ";"))
        });
        // Tests that would fill most of a file lie beside it and are named by `#[path]`.
        let attribute = format!("#[path = \"{name}.rs\"]");
        let beside = |file: &str| file.rsplit_once('/').is_some_and(|(other, _)| other == folder);
        let is_named = by_name
            || house
                .sources
                .iter()
                .any(|(file, source)| beside(file) && source.text.contains(&attribute));
        if !is_named {
            complaints.push(format!("{path}: no `mod {name};` names it, so it is not compiled"));
        }
    }
    complaints
}

#[test]
fn programs_are_run_by_exec_alone() {
    holds(programs, |house| {
        vec![
            house.with("src/render/new.rs", "fn new() { std::process::Command::new(\"sh\"); }"),
            house.with("src/render/new.rs", "use tokio::process::{Child, Command};"),
            house.with("src/render/new.rs", "fn new() { let all = [Command::new(\"sh\")]; }"),
        ]
    });
}

fn programs(house: &House) -> Complaints {
    let starts = |path: &&String| {
        let mut found = false;
        visit(house.sources[*path].tokens(), &mut |tokens| {
            found |= follows(tokens, "process", "Command") || follows(tokens, "Command", "new");
        });
        found
    };
    let others = house
        .below("src/")
        .map(|(path, _)| path)
        .filter(|path| *path != "src/exec.rs");
    others
        .filter(starts)
        .map(|path| format!("{path}: use `exec`, which bounds, cleans the environment and redacts"))
        .collect()
}

#[test]
fn nothing_is_ever_deleted_from_a_cluster_or_pushed_to_git() {
    holds(harm, |house| {
        vec![
            house.with(
                "src/cluster/new.rs",
                "async fn new() { api.delete(\"cart\", &parameters).await; }",
            ),
            house.with(
                "src/cluster/new.rs",
                "async fn new() { api.delete_collection(&a, &b).await; }",
            ),
            house.with("src/agent/new.rs", "fn new() { let method = http::Method::DELETE; }"),
            house.with("src/git/new.rs", "fn new() { remote.push(&[\"main\"], None); }"),
            house.with("src/git/new.rs", "use git2::{Cred, PushOptions};"),
            house.with("src/steps/new.rs", "use git2::Repository;"),
        ]
    });
}

/// A restore has no code that deletes or pushes, so no mistake in a condition can make it do so.
fn harm(house: &House) -> Complaints {
    let words = ["delete", "delete_collection", "DELETE", "evict", "PushOptions"];
    let mut complaints = Vec::new();
    for (path, source) in house.below("src/") {
        visit(source.tokens(), &mut |tokens| {
            let found = tokens.iter().find(|token| words.iter().any(|word| is(token, word)));
            complaints
                .extend(found.map(|word| format!("{path}: `{word}`: a restore deletes nothing and pushes nothing")));
            if tokens
                .windows(3)
                .any(|three| is(&three[0], "remote") && is(&three[1], ".") && is(&three[2], "push"))
            {
                complaints.push(format!("{path}: a restore never writes Git"));
            }
            if module_of(path) != "git" && tokens.iter().any(|token| is(token, "git2")) {
                complaints.push(format!("{path}: only `git` speaks with repositories"));
            }
        });
    }
    complaints
}

#[test]
fn nothing_but_a_capture_writes_to_a_store() {
    holds(writes, |house| {
        vec![
            house.with("src/restore/new.rs", "fn new(store: &dyn Store) { store.writer(); }"),
            house.with("src/steps/new.rs", "fn new() { let ours = Store::writer(&store); }"),
        ]
    });
}

/// A restore, a plan and a check cannot write to a store: they never ask for what does.
fn writes(house: &House) -> Complaints {
    let mut complaints = Vec::new();
    for (path, source) in house.below("src/") {
        if path.starts_with("src/secrets/") || path.starts_with("src/steps/capture/") {
            continue;
        }
        visit(source.tokens(), &mut |tokens| {
            let asks = |two: &[TokenTree]| (is(&two[0], ".") || is(&two[0], ":")) && is(&two[1], "writer");
            if tokens.windows(2).any(asks) {
                complaints.push(format!("{path}: only `steps/capture` writes to a store"));
            }
        });
    }
    complaints
}

#[test]
fn each_invariant_names_a_test_that_is_there() {
    holds(invariants, |house| {
        vec![
            house.rewritten(
                "ARCHITECTURE.md",
                "`every_shape_of_a_value_is_masked`",
                "`no_such_test`",
            ),
            house.rewritten("ARCHITECTURE.md", "Held by", "Believed because of"),
        ]
    });
}

fn invariants(house: &House) -> Complaints {
    let page = &house.pages["ARCHITECTURE.md"];
    let section = page
        .split("\n## ")
        .find(|section| section.starts_with("Invariants\n"))
        .unwrap_or_default();
    let invariants: Vec<&str> = section.split("\n### ").skip(1).collect();
    let mut complaints = Vec::new();
    if invariants.len() < 5 {
        complaints.push("ARCHITECTURE.md: where are the invariants?".to_owned());
    }
    for invariant in invariants {
        let title = invariant.lines().next().unwrap_or_default();
        let held: Vec<String> = invariant
            .split_once("Held by")
            .map(|(_, tests)| quoted(tests).collect())
            .unwrap_or_default();
        if held.is_empty() {
            complaints.push(format!("ARCHITECTURE.md, {title}: no test is named"));
        }
        for test in held {
            if !house
                .sources
                .values()
                .any(|source| source.text.contains(&format!("fn {test}(")))
            {
                complaints.push(format!("ARCHITECTURE.md, {title}: there is no test `{test}`"));
            }
        }
    }
    complaints
}

#[test]
fn pages_point_at_files_that_are_there() {
    holds(links, |house| {
        vec![house.rewritten("README.md", "](ARCHITECTURE.md)", "](ARCHITEKTUR.md)")]
    });
}

fn links(house: &House) -> Complaints {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut complaints = Vec::new();
    for (page, text) in &house.pages {
        let folder = root.join(page).parent().unwrap().to_owned();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            if !file.is_empty() && !file.contains("://") && !folder.join(file).exists() {
                complaints.push(format!("{page}: there is no {file}"));
            }
        }
    }
    complaints
}

// -------------------------------------------------------------------------------------------------------- the table

/// One row of the table of modules.
struct Row {
    modules: BTreeSet<String>,
    uses: BTreeSet<String>,
}

/// Reads the table under `| module | may use |`. `leaves` stands for the modules of all rows that are marked as leaves.
fn table(house: &House) -> Vec<Row> {
    let lines = house.pages["ARCHITECTURE.md"].lines();
    let rows = lines
        .skip_while(|line| !line.starts_with("| module | may use |"))
        .skip(2);
    let cells: Vec<Vec<&str>> = rows
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.split('|').skip(1).collect())
        .collect();
    let leaves = cells
        .iter()
        .filter(|cells| cells[0].contains("leaf"))
        .flat_map(|cells| quoted(cells[0]));
    let leaves: BTreeSet<String> = leaves.collect();
    let row = |cells: &Vec<&str>| {
        let mut uses: BTreeSet<String> = quoted(cells[1]).collect();
        if cells[1].contains("leaves") {
            uses.extend(leaves.iter().cloned());
        }
        Row {
            modules: quoted(cells[0]).collect(),
            uses,
        }
    };
    cells.iter().map(row).collect()
}

/// Returns the words between backticks.
fn quoted(text: &str) -> impl Iterator<Item = String> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .flat_map(str::split_whitespace)
        .map(str::to_owned)
}

// ------------------------------------------------------------------------------------------------------- the source

/// Returns the module of the library that a file belongs to.
fn module_of(path: &str) -> &str {
    let path = path.trim_start_matches("src/");
    path.split('/').next().unwrap_or(path).trim_end_matches(".rs")
}

/// Returns how many `super` lead from a file to the root of the library.
fn depth_of(path: &str) -> usize {
    let path = path.trim_start_matches("src/");
    path.trim_end_matches("/mod.rs").split('/').count()
}

fn is(token: &TokenTree, word: &str) -> bool {
    match token {
        TokenTree::Ident(ident) => ident == word,
        TokenTree::Punct(sign) => word.chars().eq([sign.as_char()]),
        _ => false,
    }
}

/// Whether the tokens go on with `::`.
fn is_path(tokens: &[TokenTree]) -> bool {
    tokens.len() > 2 && is(&tokens[0], ":") && is(&tokens[1], ":")
}

/// Shows the tokens of a file and of each of its groups.
fn visit(tokens: &[TokenTree], see: &mut impl FnMut(&[TokenTree])) {
    see(tokens);
    for token in tokens {
        if let TokenTree::Group(group) = token {
            let inner: Vec<TokenTree> = group.stream().into_iter().collect();
            visit(&inner, see);
        }
    }
}

/// Whether `first::second` stands among the tokens, or `first::{…, second}`.
fn follows(tokens: &[TokenTree], first: &str, second: &str) -> bool {
    tokens.iter().enumerate().any(|(index, token)| {
        let rest = &tokens[index + 1..];
        is(token, first) && is_path(rest) && heads(&rest[2]).iter().any(|head| head == second)
    })
}

/// Returns what a path goes on with: one name, or each first name of a group.
fn heads(token: &TokenTree) -> Vec<String> {
    match token {
        TokenTree::Ident(ident) => vec![ident.to_string()],
        TokenTree::Group(group) => {
            let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
            tokens
                .split(|token| is(token, ","))
                .filter_map(|item| item.first())
                .map(ToString::to_string)
                .collect()
        }
        _ => Vec::new(),
    }
}

/// Returns the names that paths from the root of the library begin with: by `crate::`, or by `super::` often enough.
fn paths(source: &Source, depth: usize) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(source.tokens(), depth, &mut found);
    found
}

fn collect(tokens: &[TokenTree], depth: usize, found: &mut BTreeSet<String>) {
    for (index, token) in tokens.iter().enumerate() {
        if let TokenTree::Group(group) = token {
            let inner: Vec<TokenTree> = group.stream().into_iter().collect();
            collect(
                &inner,
                depth + usize::from(is_inline_module(group, &tokens[..index])),
                found,
            );
            continue;
        }
        let rest = &tokens[index + 1..];
        let climbed = is(token, "super") && !goes_on(&tokens[..index]);
        let supers = if climbed { 1 + chain(rest) } else { 0 };
        let after = &rest[3 * supers.saturating_sub(1)..];
        if (is(token, "crate") || (climbed && supers == depth)) && is_path(after) {
            found.extend(heads(&after[2]).into_iter().filter(|head| head != "self"));
        }
    }
}

/// Counts how many further `::super` follow.
fn chain(rest: &[TokenTree]) -> usize {
    if is_path(rest) && is(&rest[2], "super") {
        1 + chain(&rest[3..])
    } else {
        0
    }
}

fn is_inline_module(group: &Group, before: &[TokenTree]) -> bool {
    let Some([word, _]) = before.last_chunk::<2>() else {
        return false;
    };
    group.delimiter() == Delimiter::Brace && is(word, "mod")
}

/// Whether what stands before is a `super::` of the same path.
fn goes_on(before: &[TokenTree]) -> bool {
    let Some([word, one, other]) = before.last_chunk::<3>() else {
        return false;
    };
    is(word, "super") && is(one, ":") && is(other, ":")
}
