//! The runbooks that are shipped can be used as they are.

use std::path::Path;

use gitops_dr::runbook::parse;

#[test]
fn nothing_is_wrong_with_a_shipped_runbook() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks");
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let text = std::fs::read_to_string(&path).unwrap();
            let (runbook, findings) = parse(&path.to_string_lossy(), &text);
            assert_eq!(findings, []);
            let runbook = runbook.unwrap();
            assert!(
                text.contains(&format!("\nname: {}\n", runbook.name)),
                "{}",
                path.display()
            );
            let schema = text
                .lines()
                .next()
                .unwrap()
                .strip_prefix("# yaml-language-server: $schema=")
                .unwrap();
            assert!(folder.join(schema).is_file(), "{} names its schema", path.display());
            count += 1;
        }
    }
    assert!(count >= 2, "{count}");
}
