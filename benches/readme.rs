//! The table in README: put there by a run that was asked to, never by hand.

/// What stands before the table and after it.
const MARKS: [&str; 2] = [
    "<!-- written by `make bench UPDATE_README=1` -->\n",
    "<!-- to here -->\n",
];

/// Returns the page with another table; nothing where the page has no place for it.
pub(crate) fn with_table(page: &str, table: &str) -> Option<String> {
    let (before, rest) = page.split_once(MARKS[0])?;
    let (_, after) = rest.split_once(MARKS[1])?;
    let table = table.trim_end();
    Some(format!("{before}{}{table}\n{}{after}", MARKS[0], MARKS[1]))
}
