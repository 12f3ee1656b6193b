//! What a pinned version is.

/// How AWS knows a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version<'run> {
    /// By its id.
    Id(&'run str),
    /// By a stage, a label that moves from version to version.
    Stage(&'run str),
}

/// The stage of the newest version.
pub(super) const CURRENT: &str = "AWSCURRENT";

impl<'run> Version<'run> {
    /// Tells an id from a stage. AWS's own ids are UUIDs; an id that a client has chosen (Terraform does) has 32 to 64
    /// characters as well, and digits among them, which no stage of AWS has.
    pub(super) fn of(version: Option<&'run str>) -> Self {
        let Some(text) = version else {
            return Self::Stage(CURRENT);
        };
        let is_id = (32..=64).contains(&text.len()) && text.bytes().any(|byte| byte.is_ascii_digit());
        if is_id { Self::Id(text) } else { Self::Stage(text) }
    }

    /// Returns the id, where it is one.
    pub(super) fn id(self) -> Option<String> {
        match self {
            Self::Id(id) => Some(id.to_owned()),
            Self::Stage(_) => None,
        }
    }

    /// Returns the stage, where it is one.
    pub(super) fn stage(self) -> Option<String> {
        match self {
            Self::Id(_) => None,
            Self::Stage(stage) => Some(stage.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_with_digits_is_an_id_and_any_other_a_stage() {
        for (version, expected) in [
            (None, Version::Stage("AWSCURRENT")),
            (Some("AWSPREVIOUS"), Version::Stage("AWSPREVIOUS")),
            (Some("blue"), Version::Stage("blue")),
            (Some("3"), Version::Stage("3")),
            (
                Some("6a1f3c1e-1d0b-4c4e-8a52-0d6b6f6f7a10"),
                Version::Id("6a1f3c1e-1d0b-4c4e-8a52-0d6b6f6f7a10"),
            ),
            (
                Some("terraform-20261122040000000000000001"),
                Version::Id("terraform-20261122040000000000000001"),
            ),
        ] {
            assert_eq!(Version::of(version), expected);
        }
    }
}
