//! Texts with parameters in them: `{{name}}`, or Go templates.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::facts::{Attempt, Stop};
use super::parameters::Parameters;

mod go;

pub use go::DEFINITIONS;

/// A Go template that is to be rendered, written so that Helm's engine gives what Argo CD's does: it may use the templates of
/// [`DEFINITIONS`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    /// The template.
    pub template: String,
    /// The parameters, a JSON object.
    pub parameters: String,
}

/// What Go templates were rendered to, or why one cannot be.
pub type Texts = BTreeMap<Asked, Result<String, String>>;

impl Attempt<'_> {
    /// Puts the parameters into a text (`utils.Render.Replace`). What has to be rendered first is noted, and something else is
    /// returned meanwhile.
    pub(super) fn replace(&self, text: &str, parameters: &Parameters) -> Result<String, Stop> {
        if !self.is_go {
            return Ok(simple(text, parameters));
        }
        if !text.contains("{{") {
            return Ok(text.to_owned());
        }
        if let Some(value) = go::fields(text, parameters) {
            return Ok(value);
        }
        if self.is_strict
            && let Some(missing) = go::missing(text, parameters)
        {
            return Err(Stop::Unknown(format!(
                "`{text}` needs the parameter `{missing}`, which is not there, and the set says `missingkey=error`"
            )));
        }
        let asked = Asked {
            template: go::for_helm(text),
            parameters: Value::Object(parameters.clone()).to_string(),
        };
        match self.facts.texts.get(&asked) {
            Some(Ok(rendered)) => Ok(go::as_argo_cd(rendered)),
            Some(Err(why)) => Err(Stop::Unknown(why.clone())),
            None => {
                self.needs.borrow_mut().texts.insert(asked);
                Ok(String::new())
            }
        }
    }

    /// Puts the parameters into all texts of a value, its keys too (`utils.Render.deeplyReplace`).
    pub(super) fn replace_all(&self, value: &Value, parameters: &Parameters) -> Result<Value, Stop> {
        Ok(match value {
            Value::String(text) => self.replace(text, parameters)?.into(),
            Value::Array(items) => items
                .iter()
                .map(|item| self.replace_all(item, parameters))
                .collect::<Result<_, _>>()?,
            Value::Object(fields) => {
                let mut replaced = Map::new();
                for (key, value) in fields {
                    replaced.insert(self.replace(key, parameters)?, self.replace_all(value, parameters)?);
                }
                Value::Object(replaced)
            }
            other => other.clone(),
        })
    }

    /// Adds the values that a generator brings, with the parameters put into them (`generators/value_interpolation.go`).
    pub(super) fn add_values(&self, values: &Value, parameters: &mut Parameters) -> Result<(), Stop> {
        let mut added = Map::new();
        for (key, value) in values.as_object().into_iter().flatten() {
            let value = self.replace(value.as_str().unwrap_or_default(), parameters)?;
            let key = if self.is_go {
                key.clone()
            } else {
                format!("values.{key}")
            };
            added.insert(key, value.into());
        }
        if !self.is_go {
            parameters.extend(added);
        } else if !added.is_empty() {
            parameters.insert("values".to_owned(), added.into());
        }
        Ok(())
    }
}

/// `{{name}}` becomes the parameter of that name; what is no parameter stays as it is written (`valyala/fasttemplate`).
fn simple(text: &str, parameters: &Parameters) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, after)) = after.split_once("}}") else {
            break;
        };
        out.push_str(before);
        let value = parameters.get(name.trim()).and_then(Value::as_str);
        if let Some(value) = value.filter(|_| !name.trim().is_empty()) {
            out.push_str(value);
        } else {
            out.push_str("{{");
            out.push_str(name);
            out.push_str("}}");
        }
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::super::facts::Facts;
    use super::*;
    use serde_json::json;
    use std::cell::RefCell;

    fn of(value: &Value) -> Parameters {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_name_in_braces_becomes_its_parameter_and_no_other_text_does() {
        let parameters = of(&json!({"name": "cart", "path.basename": "c", "count": 3}));
        for (text, expected) in [
            ("{{name}}-{{ path.basename }}", "cart-c"),
            ("{{absent}}", "{{absent}}"),
            ("{{count}}", "{{count}}"),
            ("{{ }}{{name", "{{ }}{{name"),
            ("plain", "plain"),
        ] {
            assert_eq!(simple(text, &parameters), expected, "{text}");
        }
    }

    fn attempt(facts: &Facts) -> Attempt<'_> {
        Attempt {
            facts,
            needs: RefCell::default(),
            is_go: true,
            is_strict: true,
        }
    }

    #[test]
    fn what_go_has_to_render_is_asked_for_and_taken_when_it_is_there() {
        let parameters = of(&json!({"name": "Cart"}));
        let mut facts = Facts::default();
        let first = attempt(&facts);
        assert_eq!(first.replace("{{ .name }}", &parameters).unwrap(), "Cart");
        assert_eq!(first.settle(), Ok(()), "a plain field needs no engine");
        let text = "{{ .name | lower }}";
        first.replace(text, &parameters).unwrap();
        assert_eq!(first.settle(), Err(Stop::Needs));
        let asked = first.needs.take().texts.pop_first().unwrap();
        assert_eq!(asked.parameters, r#"{"name":"Cart"}"#);
        facts.texts.insert(asked, Ok("cart".to_owned()));
        let second = attempt(&facts);
        assert_eq!(second.replace(text, &parameters).unwrap(), "cart");
        let Err(Stop::Unknown(why)) = second.replace("{{ .nmae | lower }}", &parameters) else {
            panic!("a missing parameter must be told")
        };
        assert!(why.contains("`.nmae`"), "{why}");
    }
}
