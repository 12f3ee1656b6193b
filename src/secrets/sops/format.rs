//! The formats of SOPS files.

/// How a file is written; told by the end of its name, as `sops` tells it (`cmd/sops/formats/formats.go`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Yaml,
    Json,
    Dotenv,
    Ini,
    /// Anything else: one value, in a frame of JSON.
    Binary,
}

impl Format {
    /// Returns the format of a file.
    pub(super) fn of(path: &str) -> Self {
        let ends = |ends: &[&str]| ends.iter().any(|end| path.ends_with(end));
        if ends(&[".yaml", ".yml"]) {
            Self::Yaml
        } else if ends(&[".json"]) {
            Self::Json
        } else if ends(&[".env"]) {
            Self::Dotenv
        } else if ends(&[".ini"]) {
            Self::Ini
        } else {
            Self::Binary
        }
    }

    /// Returns its name, as the program takes it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::Json => "json",
            Self::Dotenv => "dotenv",
            Self::Ini => "ini",
            Self::Binary => "binary",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_name_tells_the_format_as_for_sops() {
        for (path, expected) in [
            ("a.yaml", "yaml"),
            ("a/b.enc.yml", "yaml"),
            ("a.json", "json"),
            ("prod.env", "dotenv"),
            (".env", "dotenv"),
            ("a.ini", "ini"),
            ("a.YAML", "binary"),
            ("key.pem", "binary"),
            ("yaml", "binary"),
            ("a.yaml.bak", "binary"),
        ] {
            assert_eq!(Format::of(path).name(), expected, "{path}");
        }
    }
}
