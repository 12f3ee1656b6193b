//! Secret values as a type, and the net that catches them in text.
//!
//! A [`Secret`] cannot be printed. Texts that come from elsewhere (an API server's answer, a child program's output) may
//! still quote one, so everything that leaves the process passes a [`Redactor`] that has learnt the values of this run.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// What stands where a secret value stood.
pub const MASK: &str = "«secret»";

/// Values shorter than this many bytes are not searched for in text: masking them would garble unrelated words.
pub const SHORTEST: usize = 6;

/// A secret value. Its `Debug` and `Display` print [`MASK`]; it is wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes a value in.
    pub fn new(value: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(value.into()))
    }

    /// Returns the value itself. Every call of this is a place where a secret leaves the type: keep them few.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Returns the value as text, or `None` where it is not UTF-8.
    pub fn expose_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// Whether the value has no bytes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Self::new(value.as_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Replaces known secret values, in every shape in which they usually travel, by [`MASK`].
///
/// Clones share what they have learnt.
#[derive(Clone, Default)]
pub struct Redactor {
    /// Longest first, so that a whole value is masked before a part of it could be.
    needles: Arc<RwLock<Vec<Zeroizing<String>>>>,
}

impl Redactor {
    /// Remembers a value: raw, base64, JSON-escaped, URL-escaped, each line of it (a PEM block is quoted line by
    /// line), and all of it on one line.
    pub fn learn(&self, secret: &Secret) {
        let mut found = Vec::new();
        shapes(secret.expose(), &mut found);
        if let Some(text) = secret.expose_str() {
            for line in text.lines().map(str::trim) {
                // The frame of a PEM block is the same for everybody and secret for nobody.
                if line.len() < text.len() && !line.starts_with("-----") {
                    shapes(line.as_bytes(), &mut found);
                }
            }
            // What others say is told on one line.
            let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
            if one_line != text {
                shapes(one_line.as_bytes(), &mut found);
            }
        }
        let mut needles = self.needles.write().unwrap_or_else(PoisonError::into_inner);
        for needle in found {
            if !needles.iter().any(|known| **known == needle) {
                needles.push(Zeroizing::new(needle));
            }
        }
        needles.sort_by_key(|needle| std::cmp::Reverse(needle.len()));
    }

    /// Returns a redactor that knows what this one knows now, and learns apart from it.
    #[must_use]
    pub fn apart(&self) -> Self {
        let needles = self.needles.read().unwrap_or_else(PoisonError::into_inner);
        Self {
            needles: Arc::new(RwLock::new(needles.clone())),
        }
    }

    /// Returns the text with every known value masked, and what kustomize quotes of a generator of Secrets, which nobody knows.
    pub fn redact<'text>(&self, text: &'text str) -> Cow<'text, str> {
        let needles = self.needles.read().unwrap_or_else(PoisonError::into_inner);
        let mut out = Cow::Borrowed(text);
        for needle in needles.iter() {
            if out.contains(needle.as_str()) {
                out = Cow::Owned(out.replace(needle.as_str(), MASK));
            }
        }
        match without_literals(&out) {
            Some(masked) => Cow::Owned(masked),
            None => out,
        }
    }

    /// Returns where a text of which only the beginning is known may be cut so that no known value is cut with it: the part before
    /// can be redacted by itself, and what is behind is to be held back. 0 where the text may be the beginning of one value. So it
    /// is with what kustomize quotes, up to as much as a Secret can hold.
    pub fn cut(&self, text: &[u8]) -> usize {
        let needles = self.needles.read().unwrap_or_else(PoisonError::into_inner);
        let longest = needles.first().map_or(0, |needle| needle.len());
        // A value that begins before this ends within the text.
        let mut cut = (text.len() + 1).saturating_sub(longest.max(1));
        loop {
            let across = needles.iter().filter_map(|needle| {
                let from = (cut + 1).saturating_sub(needle.len());
                let to = (cut + needle.len()).saturating_sub(1).min(text.len());
                let mut windows = text.get(from..to)?.windows(needle.len());
                windows
                    .position(|window| window == needle.as_bytes())
                    .map(|at| from + at)
            });
            // What is moved out of one value may come to lie in another.
            match across.chain(literal_across(text, cut)).min() {
                Some(earlier) => cut = earlier,
                None => return cut,
            }
        }
    }

    /// Whether nothing was learnt yet.
    pub fn is_empty(&self) -> bool {
        self.needles.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor")
    }
}

/// Pushes the shapes in which `value` travels.
fn shapes(value: &[u8], found: &mut Vec<String>) {
    if value.len() < SHORTEST {
        return;
    }
    for engine in [STANDARD, URL_SAFE, STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        found.push(engine.encode(value));
    }
    // Inside something longer that was encoded as a whole, such as a login `name:password` in a header.
    for shift in 0..3 {
        found.extend([&STANDARD_NO_PAD, &URL_SAFE_NO_PAD].map(|engine| within_base64(engine, value, shift)));
    }
    if let Ok(text) = std::str::from_utf8(value) {
        found.push(text.to_owned());
        // A server that quotes JSON in an error message escapes what was escaped already.
        let once = escaped(text);
        found.push(escaped(&once));
        found.push(once);
        found.push(percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string());
        found.extend(
            url::form_urlencoded::byte_serialize(value)
                .map(str::to_owned)
                .reduce(|a, b| a + &b),
        );
    }
}

/// Returns the letters that every text in base64 has in which the value begins `shift` bytes behind a group of three.
fn within_base64(engine: &impl base64::Engine, value: &[u8], shift: usize) -> String {
    let encoded = engine.encode([&[0; 2][..shift], value].concat());
    // The first and last letter may be made of bits of the neighbours too.
    let begin = [0, 2, 3][shift];
    let end = encoded.len() - usize::from(!(shift + value.len()).is_multiple_of(3));
    encoded[begin..end].to_owned()
}

/// Returns a text as JSON has it between its quotation marks.
fn escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// Between what kustomize quotes a literal without a key, twice (`api/kv/kv.go`): it may be the value of a Secret.
const LITERAL: [(&str, &str); 2] = [
    ("literal sources [", "]: invalid literal source "),
    ("invalid literal source ", ", expected key=value"),
];

/// How many bytes are held back for the end of such a literal; no Secret holds more (`MaxSecretSize` in `pkg/apis/core`).
const LONGEST_LITERAL: usize = 1 << 20;

/// Returns where the words around such a literal begin in which a text would be cut, also where they may go on behind the text.
fn literal_across(text: &[u8], cut: usize) -> Option<usize> {
    let find = |text: &[u8], words: &str| text.windows(words.len()).position(|window| window == words.as_bytes());
    let across = LITERAL.iter().filter_map(|(before, behind)| {
        let mut from = 0;
        while let Some(start) = find(&text[from..cut], before).map(|at| from + at) {
            let value = start + before.len();
            match find(&text[value..], behind) {
                Some(at) if value + at + behind.len() <= cut => from = value + at,
                None if text.len() - start > LONGEST_LITERAL => return None,
                _ => return Some(start),
            }
        }
        // The first words themselves are cut; what is behind the text is not known.
        let begin = (cut + 1).saturating_sub(before.len()).max(from);
        (begin..cut).find(|&start| {
            let known = &text[start..text.len().min(start + before.len())];
            before.as_bytes().starts_with(known)
        })
    });
    across.min()
}

/// Returns the text with such literals masked; `None` where there is none.
fn without_literals(text: &str) -> Option<String> {
    let mut masked = None;
    for (before, behind) in LITERAL {
        let text = masked.as_deref().unwrap_or(text);
        let (mut kept, mut rest) = (String::new(), text);
        while let Some((start, more)) = rest.split_once(before) {
            // One that is cut before its end is masked to the end.
            let end = more.find(behind).unwrap_or(more.len());
            kept.extend([start, before, MASK]);
            rest = &more[end..];
        }
        if !kept.is_empty() {
            kept.push_str(rest);
            masked = Some(kept);
        }
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_as_a_mask() {
        let secret = Secret::from("hunter2hunter2");
        assert_eq!(format!("{secret} {secret:?}"), format!("{MASK} {MASK}"));
    }

    #[test]
    fn every_shape_of_a_value_is_masked() {
        let redactor = Redactor::default();
        let value = "pä\"ss w/ord\n+x";
        redactor.learn(&Secret::from(value));
        for shape in [
            value.to_owned(),
            STANDARD.encode(value),
            URL_SAFE_NO_PAD.encode(value),
            serde_json::to_string(value).unwrap(),
            serde_json::to_string(&serde_json::to_string(value).unwrap()).unwrap(),
            percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC).to_string(),
        ] {
            let text = redactor.redact(&shape).into_owned();
            assert!(text.contains(MASK) && !text.contains("ss w"), "{shape} → {text}");
        }
    }

    #[test]
    fn a_value_is_masked_inside_what_was_encoded_as_a_whole() {
        let redactor = Redactor::default();
        redactor.learn(&Secret::from("hunter2hunter2"));
        for before in ["", "a:", "ab:", "abc:"] {
            for after in ["", "x", "xy"] {
                let header = STANDARD.encode(format!("{before}hunter2hunter2{after}"));
                let text = redactor.redact(&header).into_owned();
                // At most a letter at each end is left, which holds some bits of it.
                assert!(
                    text.contains(MASK) && text.len() <= MASK.len() + 10,
                    "{header} → {text}"
                );
            }
        }
    }

    #[test]
    fn a_pem_block_is_masked_line_by_line() {
        let redactor = Redactor::default();
        redactor.learn(&Secret::from(
            "-----BEGIN KEY-----\nMIIabcdefgh\nZZZabcdefgh\n-----END KEY-----\n",
        ));
        assert_eq!(
            redactor.redact("line ZZZabcdefgh of -----BEGIN KEY-----"),
            format!("line {MASK} of -----BEGIN KEY-----")
        );
    }

    #[test]
    fn a_text_is_never_cut_within_a_value() {
        let redactor = Redactor::default();
        assert_eq!(redactor.cut(b"whatever"), 8);
        redactor.learn(&Secret::from("hunter2hunter2"));
        redactor.learn(&Secret::from("of words, hunter2"));
        let text = "of words, hunter2hunter2 and more of words, hunt";
        for known in 0..=text.len() {
            let cut = redactor.cut(&text.as_bytes()[..known]);
            assert!(cut <= known, "{known}: {cut}");
            let parts = [&text[..cut], &text[cut..]].map(|part| redactor.redact(part).into_owned());
            assert_eq!(parts.concat(), redactor.redact(text), "{known}: {cut}");
        }
        let much = "x".repeat(1000);
        assert!(redactor.cut(much.as_bytes()) > 900);
    }

    #[test]
    fn a_text_is_never_cut_within_what_kustomize_quotes() {
        let text =
            "Error: literal sources [a=b hunter2]: invalid literal source hunter2, expected key=value; and so on";
        let redactor = Redactor::default();
        for is_learnt in [false, true] {
            if is_learnt {
                // A value that begins in the quoted one moves the cut into it.
                redactor.learn(&Secret::from("hunter2, exp"));
            }
            for known in 0..=text.len() {
                let cut = redactor.cut(&text.as_bytes()[..known]);
                assert!(cut <= known, "{known}: {cut}");
                let parts = [&text[..cut], &text[cut..]].map(|part| redactor.redact(part).into_owned());
                let parts = parts.concat();
                assert!(!parts.contains("hunter2"), "{known}: {cut}: {parts}");
                assert!(is_learnt || parts == redactor.redact(text), "{known}: {cut}: {parts}");
            }
        }
        // It is not held for ever.
        let endless = format!("invalid literal source {}", "x".repeat(LONGEST_LITERAL));
        assert!(redactor.cut(endless.as_bytes()) > 0);
    }

    #[test]
    fn short_values_do_not_garble_other_words() {
        let redactor = Redactor::default();
        redactor.learn(&Secret::from("git"));
        assert_eq!(redactor.redact("git fetch"), "git fetch");
    }

    #[test]
    fn what_kustomize_quotes_of_a_generator_is_masked_though_nobody_knows_it() {
        let redactor = Redactor::default();
        for (said, expected) in [
            (
                "Error: literal sources [a=b hunter2]: invalid literal source hunter2, expected key=value; and so on",
                "Error: literal sources [«secret»]: invalid literal source «secret», expected key=value; and so on",
            ),
            (
                "literal sources [hunter2]: invalid literal source hunt…",
                "literal sources [«secret»]: invalid literal source «secret»",
            ),
            ("literal sources [hunt…", "literal sources [«secret»"),
            (
                "a kustomization without literal sources",
                "a kustomization without literal sources",
            ),
        ] {
            assert_eq!(redactor.redact(said), expected);
        }
    }
}
