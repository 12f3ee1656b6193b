//! How the values of a secret are made of what a store holds.

use super::super::model::Part;
use super::super::tree::Node;
use super::Check;

impl Check<'_> {
    /// Checks fields and templates.
    pub(super) fn taken(&mut self) {
        let root = self.root;
        for entry in root.table("secrets") {
            for from in entry.value.get("from").map_or(&[][..], Node::one_or_many) {
                for taken in from.table("keys") {
                    if let Some(field) = taken.value.get("field")
                        && field.text().is_some_and(|text| !text.starts_with('/'))
                    {
                        self.error(
                            "runbook/field",
                            field.span,
                            "expected a JSON pointer (RFC 6901), which starts with `/`",
                            "such as `/data/password`".to_owned(),
                        );
                    }
                    if let Some(template) = taken.value.get("template")
                        && template.text().is_some_and(|text| parts(text).is_none())
                    {
                        self.error(
                            "runbook/template",
                            template.span,
                            "a brace without its other half, or with nothing between",
                            "write a brace itself twice: `{{` or `}}`".to_owned(),
                        );
                    }
                }
            }
        }
    }
}

/// Returns the parts of a template: `{key}` is the value of a key, `{{` and `}}` are braces. `None` where a brace lacks its other
/// half.
pub(in super::super) fn parts(template: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        if from.starts_with("{{") || from.starts_with("}}") {
            text.push_str(&from[..1]);
            rest = &from[2..];
            continue;
        }
        let (key, behind) = from.strip_prefix('{')?.split_once('}')?;
        if key.is_empty() {
            return None;
        }
        parts.extend((!text.is_empty()).then(|| Part::Text(std::mem::take(&mut text))));
        parts.push(Part::Key(key.to_owned()));
        rest = behind;
    }
    text.push_str(rest);
    parts.extend((!text.is_empty()).then_some(Part::Text(text)));
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_hold_a_key_or_stand_for_themselves() {
        let text = |text: &str| Part::Text(text.into());
        let key = |key: &str| Part::Key(key.into());
        for (template, expected) in [
            (
                "{user}:{password}@{{x}}",
                Some(vec![key("user"), text(":"), key("password"), text("@{x}")]),
            ),
            ("plain", Some(vec![text("plain")])),
            ("{{{a}}}", Some(vec![text("{"), key("a"), text("}")])),
            ("", Some(vec![])),
            ("{user", None),
            ("user}", None),
            ("{}", None),
        ] {
            assert_eq!(parts(template), expected, "{template}");
        }
    }
}
