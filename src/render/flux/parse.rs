//! Reads `${…}` in a text (`fluxcd/pkg/envsubst/parse`, which is a fork of `drone/envsubst`).

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// A text as it is.
    Text(String),
    /// A variable, and what is made of it.
    Variable {
        /// Its name.
        name: String,
        /// The sign of what is made of it; empty where it is taken as it is.
        operator: String,
        /// What follows the sign.
        arguments: Vec<Part>,
    },
}

/// How deep variables may be in the arguments of variables.
const DEPTH: usize = 32;

/// Reads a text; the error says what is wrong in it.
pub(super) fn parse(text: &str) -> Result<Vec<Part>, &'static str> {
    let mut reader = Reader { rest: text };
    let mut parts = Vec::new();
    while !reader.rest.is_empty() {
        if reader.take("${") {
            parts.push(reader.variable(DEPTH)?);
        } else {
            parts.push(Part::Text(reader.text(|_| true, Escapes::Dollar)));
        }
    }
    Ok(parts)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    None,
    Dollar,
    All,
}

struct Reader<'text> {
    rest: &'text str,
}

impl Reader<'_> {
    fn take(&mut self, sign: &str) -> bool {
        let rest = self.rest.strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// Takes letters as long as they are accepted and no variable begins.
    fn text(&mut self, accepts: impl Fn(char) -> bool, escapes: Escapes) -> String {
        let mut text = String::new();
        while let Some(letter) = self.peek() {
            if self.rest.starts_with("${") {
                break;
            }
            let after = &self.rest[letter.len_utf8()..];
            let next = after.chars().next();
            let is_escaped = (letter == '$' && next == Some('$') && escapes != Escapes::None)
                || (letter == '\\' && matches!(next, Some('/' | '\\')) && escapes == Escapes::All);
            if is_escaped {
                text.extend(next);
                self.rest = &after[1..];
                continue;
            }
            if !accepts(letter) {
                break;
            }
            text.push(letter);
            self.rest = after;
        }
        text
    }

    fn name(&mut self) -> Result<String, &'static str> {
        let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
        let end = self.rest.find(|letter| !is_part(letter)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        if name.is_empty() {
            return Err("unable to parse variable name");
        }
        Ok(name.to_owned())
    }

    /// Takes one of some signs; the longest goes first.
    fn sign(&mut self, signs: &[&str]) -> Option<String> {
        signs.iter().find(|sign| self.take(sign)).map(|sign| (*sign).to_owned())
    }

    fn variable(&mut self, depth: usize) -> Result<Part, &'static str> {
        let depth = depth.checked_sub(1).ok_or("too many substitutions in each other")?;
        let bad = "bad substitution";
        let made = |name: String, operator: String, arguments: Vec<Part>| Part::Variable {
            name,
            operator,
            arguments,
        };
        if self.take("#") {
            let part = made(self.name().map_err(|_| bad)?, "#".to_owned(), Vec::new());
            return self.closed(part, bad);
        }
        let name = self.name()?;
        if let Some(operator) = self.sign(&[":=", ":-", ":?", ":+", "="]) {
            let mut arguments = Vec::new();
            while self.peek() != Some('}') {
                arguments.push(self.argument(depth, |letter| letter != '}', Escapes::None)?);
            }
            return self.closed(made(name, operator, arguments), bad);
        }
        if self.take(":") {
            let is_position = |letter| letter != ':' && letter != '}';
            let mut arguments = vec![self.argument(depth, is_position, Escapes::None)?];
            if self.take(":") {
                // Further colons are passed over.
                while self.take(":") {}
                arguments.push(self.argument(depth, |letter| letter != '}', Escapes::None)?);
            }
            return self.closed(made(name, ":".to_owned(), arguments), bad);
        }
        if let Some(operator) = self.sign(&[",,", ",^", "^^", "^,", ",", "^"]) {
            return self.closed(made(name, operator, Vec::new()), bad);
        }
        if let Some(operator) = self.sign(&["##", "#", "%%", "%"]) {
            let argument = self.argument(depth, |letter| letter != '}', Escapes::None)?;
            return self.closed(made(name, operator, vec![argument]), bad);
        }
        if let Some(operator) = self.sign(&["//", "/#", "/%", "/"]) {
            let mut arguments = vec![self.argument(depth, |letter| letter != '/', Escapes::All)?];
            if !self.take("/") {
                return Err(bad);
            }
            while self.take("/") {}
            if self.peek() != Some('}') {
                arguments.push(self.argument(depth, |letter| letter != '}', Escapes::All)?);
            }
            return self.closed(made(name, operator, arguments), bad);
        }
        self.closed(made(name, String::new(), Vec::new()), "missing closing brace")
    }

    fn argument(
        &mut self,
        depth: usize,
        accepts: impl Fn(char) -> bool,
        escapes: Escapes,
    ) -> Result<Part, &'static str> {
        if self.take("${") {
            return self.variable(depth);
        }
        let before = self.rest.len();
        let text = self.text(accepts, escapes);
        if self.rest.len() == before {
            return Err("unable to parse substitution within function");
        }
        Ok(Part::Text(text))
    }

    fn closed(&mut self, part: Part, otherwise: &'static str) -> Result<Part, &'static str> {
        if self.take("}") { Ok(part) } else { Err(otherwise) }
    }
}
