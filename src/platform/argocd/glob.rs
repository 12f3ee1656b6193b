//! Patterns by which projects choose (`util/glob`).

use globset::GlobBuilder;

/// Whether a pattern fits, in which `*` stands for any text; where `is_address` only for what is between two slashes, unless it is all of
/// the pattern. One that is broken fits nothing.
pub(super) fn is_match(pattern: &str, value: &str, is_address: bool) -> bool {
    let glob = GlobBuilder::new(pattern)
        .literal_separator(is_address && pattern != "*")
        .build();
    glob.is_ok_and(|glob| glob.compile_matcher().is_match(value))
}
