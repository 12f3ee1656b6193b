//! Go templates of Argo CD, written for Helm's engine. Both have Go's language and sprig's functions; what differs is made
//! equal here (`applicationset/utils/{utils,template_functions}.go`, Helm's `pkg/engine`).
//!
//! * `normalize` and `slugify` are Argo CD's own: they become templates of [`DEFINITIONS`].
//! * Helm hides a missing value; here it is printed as Go's `%v` prints nothing at all, and made `<no value>` again after.

use serde_json::Value;

use super::super::parameters::Parameters;

/// The templates that a rendered text may use, for a file of their own in the chart.
pub const DEFINITIONS: &str = r#"
{{- define "normalize" -}}
{{- regexReplaceAll "[^-a-z0-9.]" (lower .) "-" | trunc 253 | trimAll "-." -}}
{{- end -}}
{{- define "slugify" -}}
{{- $size := 50 -}}{{- $smart := true -}}{{- $last := sub (len .) 1 | int -}}
{{- if gt $last 0 -}}{{- $size = index . 0 | int -}}{{- end -}}
{{- if gt $last 1 -}}{{- $smart = index . 1 -}}{{- end -}}
{{- $text := include "normalize" (index . $last) -}}
{{- if not $smart -}}{{- $text = trunc $size $text -}}{{- end -}}
{{- $text = regexReplaceAll "-+" (regexReplaceAll "[^-_a-z0-9]" $text "-") "-" | trimAll "-_" -}}
{{- if and $smart (gt (len $text) $size) -}}
{{- $word := printf "^(.{0,%d})-.*$" $size -}}
{{- if regexMatch $word $text -}}{{- regexReplaceAll $word $text "${1}" -}}{{- else -}}{{- trunc $size $text -}}{{- end -}}
{{- else -}}{{- $text -}}{{- end -}}
{{- end -}}
"#;

/// How Go prints nothing.
const NIL: &str = "<nil>";
/// How Argo CD's templates print it.
const NO_VALUE: &str = "<no value>";

/// The words that begin an action which prints nothing by itself.
const SILENT: [&str; 10] = [
    "if", "else", "end", "range", "with", "define", "template", "block", "break", "continue",
];

/// A part of an action.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Token<'text> {
    /// A word, a field, a variable or a number.
    Word(&'text str),
    /// Anything else: white space, a quoted text, a comment, a sign.
    Other(&'text str),
}

impl<'text> Token<'text> {
    fn text(self) -> &'text str {
        match self {
            Self::Word(text) | Self::Other(text) => text,
        }
    }
}

/// Returns a text with nothing but plain fields in it, such as `shop-{{ .path.basename }}`, which needs no engine. Only texts are
/// put in: how anything else is written is the engine's business.
pub(super) fn fields(text: &str, parameters: &Parameters) -> Option<String> {
    let mut out = String::new();
    for part in parts(text) {
        let mut words = part.tokens.iter().filter(|token| !token.text().trim().is_empty());
        match (part.is_action, words.next(), words.next()) {
            (false, ..) => out.extend(part.tokens.iter().map(|token| token.text())),
            (true, Some(Token::Word(name)), None) if part.left.is_empty() && part.right.is_empty() => {
                out.push_str(find(name, parameters)?.as_str()?);
            }
            _ => return None,
        }
    }
    Some(out)
}

/// Returns the first field that an action names and that is not there. Where the dot may be another one, fields are not looked at.
pub(super) fn missing(text: &str, parameters: &Parameters) -> Option<String> {
    let parts = parts(text);
    let words = parts.iter().filter(|part| part.is_action).flat_map(|part| &part.tokens);
    let words: Vec<&str> = words
        .filter(|token| matches!(token, Token::Word(_)))
        .map(|token| token.text())
        .collect();
    let is_moved = words
        .iter()
        .any(|word| ["range", "with", "define", "template", "block"].contains(word));
    words
        .into_iter()
        .filter(|word| word.starts_with("$.") || (word.starts_with('.') && !is_moved))
        .find(|word| word.trim_start_matches('$') != "." && find(word.trim_start_matches('$'), parameters).is_none())
        .map(str::to_owned)
}

/// Returns the parameter at a path such as `.path.basename`.
fn find<'parameters>(path: &str, parameters: &'parameters Parameters) -> Option<&'parameters Value> {
    let mut names = path.strip_prefix('.')?.split('.');
    let first = parameters.get(names.next()?)?;
    names.try_fold(first, |value, name| value.as_object()?.get(name))
}

/// Returns what Argo CD's engine gives, from what Helm's gave.
pub(super) fn as_argo_cd(rendered: &str) -> String {
    rendered.replace(NIL, NO_VALUE)
}

/// Writes a template of Argo CD for Helm.
pub(super) fn for_helm(text: &str) -> String {
    let mut out = String::new();
    for part in parts(text) {
        if !part.is_action {
            out.extend(part.tokens.iter().map(|token| token.text()));
            continue;
        }
        let words: Vec<_> = part
            .tokens
            .iter()
            .filter(|token| !token.text().trim().is_empty())
            .collect();
        let first = words.first().map_or("", |token| token.text());
        let declares = first.starts_with('$')
            && words
                .get(1)
                .is_some_and(|token| matches!(token.text(), ":" | "=" | ","));
        let is_silent = first.is_empty() || first.starts_with("/*") || SILENT.contains(&first) || declares;
        out.push_str("{{");
        out.push_str(part.left);
        out.push_str(&own_functions(&part.tokens));
        if !is_silent {
            out.push_str(r#" | printf "%v" "#);
        }
        out.push_str(part.right);
        out.push_str("}}");
    }
    out
}

/// Writes `normalize x` as `include "normalize" x`, and `slugify … x` as `list … x | include "slugify"`.
fn own_functions(tokens: &[Token<'_>]) -> String {
    let mut out = String::new();
    let mut depth = 0_usize;
    // At which depths a `slugify` is open.
    let mut open: Vec<usize> = Vec::new();
    let close = |out: &mut String, open: &mut Vec<usize>, depth: usize| {
        if open.last() == Some(&depth) {
            open.pop();
            out.push_str(r#" | include "slugify" "#);
        }
    };
    for token in tokens {
        match token {
            Token::Word("normalize") => out.push_str(r#"include "normalize""#),
            Token::Word("slugify") => {
                open.push(depth);
                out.push_str("list");
            }
            Token::Other("(") => {
                depth += 1;
                out.push('(');
            }
            Token::Other(sign @ (")" | "|")) => {
                close(&mut out, &mut open, depth);
                if *sign == ")" {
                    depth = depth.saturating_sub(1);
                }
                out.push_str(sign);
            }
            other => out.push_str(other.text()),
        }
    }
    close(&mut out, &mut open, depth);
    out
}

/// A piece of a template: text, or an action between braces.
struct Part<'text> {
    is_action: bool,
    /// The mark that trims what is before.
    left: &'static str,
    /// The mark that trims what is behind.
    right: &'static str,
    tokens: Vec<Token<'text>>,
}

fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let inner = &rest[start + 2..];
        let left = if inner.starts_with("- ") { "- " } else { "" };
        let (mut tokens, used) = tokens(&inner[left.len()..]);
        let right = if tokens.last() == Some(&Token::Other("-")) {
            tokens.pop();
            " -"
        } else {
            ""
        };
        parts.push(plain(&rest[..start]));
        parts.push(Part {
            is_action: true,
            left,
            right,
            tokens,
        });
        rest = inner.get(left.len() + used..).unwrap_or_default();
    }
    parts.push(plain(rest));
    parts
}

fn plain(text: &str) -> Part<'_> {
    Part {
        is_action: false,
        left: "",
        right: "",
        tokens: vec![Token::Other(text)],
    }
}

/// Takes an action apart up to its end; with how much was read, the closing braces among it.
fn tokens(text: &str) -> (Vec<Token<'_>>, usize) {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("}}") {
            return (found, at + 2);
        }
        let first = rest.chars().next().unwrap_or_default();
        let length = match first {
            '"' | '\'' | '`' => quoted(rest, first),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            letter if is_word(letter) => rest.find(|letter| !is_word(letter)).unwrap_or(rest.len()),
            letter if letter.is_whitespace() => rest.find(|letter: char| !letter.is_whitespace()).unwrap_or(rest.len()),
            other => other.len_utf8(),
        };
        let token = &rest[..length];
        found.push(if is_word(first) {
            Token::Word(token)
        } else {
            Token::Other(token)
        });
        at += length;
    }
    (found, at)
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '.' | '$')
}

/// Returns the length of a quoted text with its quotes.
fn quoted(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        if is_escaped {
            is_escaped = false;
        } else if letter == '\\' && quote != '`' {
            is_escaped = true;
        } else if letter == quote {
            return at + letter.len_utf8();
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_template_is_written_for_helm() {
        for (text, expected) in [
            ("a{{ .x }}b", r#"a{{ .x  | printf "%v" }}b"#),
            ("{{- .x -}}", r#"{{- .x  | printf "%v"  -}}"#),
            ("{{ normalize .x }}", r#"{{ include "normalize" .x  | printf "%v" }}"#),
            (
                "{{ .x | normalize }}",
                r#"{{ .x | include "normalize"  | printf "%v" }}"#,
            ),
            (
                "{{ slugify 23 true .x | upper }}",
                r#"{{ list 23 true .x  | include "slugify" | upper  | printf "%v" }}"#,
            ),
            (
                "{{ printf \"%s}}\" (.x | slugify 9) }}",
                r#"{{ printf "%s}}" (.x | list 9 | include "slugify" )  | printf "%v" }}"#,
            ),
            ("{{ if .x }}a{{ else }}b{{ end }}", "{{ if .x }}a{{ else }}b{{ end }}"),
            ("{{ $a := .x }}{{ $a }}", r#"{{ $a := .x }}{{ $a  | printf "%v" }}"#),
            ("{{/* normalize */}}", "{{/* normalize */}}"),
            ("{{ \"normalize\" }}", r#"{{ "normalize"  | printf "%v" }}"#),
        ] {
            assert_eq!(for_helm(text), expected, "{text}");
        }
    }

    #[test]
    fn a_missing_parameter_is_named_where_the_dot_is_the_parameters() {
        let parameters = json!({"path": {"basename": "cart"}, "on": true});
        let parameters = parameters.as_object().unwrap();
        for (text, expected) in [
            ("{{ .path.basename | lower }}", None),
            ("{{ .path.nmae }}", Some(".path.nmae")),
            ("{{ index .path \"basename\" }}", None),
            ("{{ with .path }}{{ .basename }}{{ end }}", None),
            ("{{ with .path }}{{ $.absent }}{{ end }}", Some("$.absent")),
            ("{{ . }}", None),
            ("{{ \".absent\" }}", None),
        ] {
            assert_eq!(missing(text, parameters).as_deref(), expected, "{text}");
        }
        for (text, expected) in [
            ("{{ .path.basename }}", Some("cart")),
            ("a-{{.path.basename}}-{{ .path.basename }}", Some("a-cart-cart")),
            ("a {{- .path.basename }}", None),
            ("{{ .on }}", None),
            ("{{ .path }}", None),
            ("{{ .absent }}", None),
            ("{{ lower .path.basename }}", None),
        ] {
            assert_eq!(fields(text, parameters).as_deref(), expected, "{text}");
        }
    }
}
