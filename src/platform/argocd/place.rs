//! Where findings about manifests point.

use crate::finding::{Finding, Place};
use crate::object::Manifest;

/// Says where the object was read that a finding is about, if that is known.
pub(super) fn at_origin(mut finding: Finding, manifest: &Manifest) -> Finding {
    let origin = manifest.origin();
    finding.place = (origin.line > 0).then(|| Place {
        file: origin.file.clone(),
        line: origin.line,
        column: 1,
        length: 0,
    });
    finding
}
