//! Label and field selectors: parsing as the server does it, and matching.
//!
//! [`LabelSelector::from_object`] also reads the structured form (`matchLabels`, `matchExpressions`) that controllers
//! and budgets use.

use serde_json::Value;

use crate::object;
use crate::resources::Resource;

/// A conjunction of requirements on labels; the empty one matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelSelector {
    requirements: Vec<Requirement>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    operator: Operator,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Operator {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    NotExists,
    GreaterThan(i64),
    LessThan(i64),
}

impl LabelSelector {
    /// Parses `a=b,c in (d,e),!f`.
    ///
    /// # Errors
    /// The server's message.
    pub fn parse(text: &str) -> Result<Self, String> {
        Parser::new(text).selector().map(|requirements| Self { requirements })
    }

    /// Reads `{matchLabels, matchExpressions}`.
    pub fn from_object(selector: &Value) -> Self {
        let mut requirements = Vec::new();
        for (key, value) in selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten() {
            let value = value.as_str().unwrap_or_default().to_owned();
            requirements.push(Requirement { key: key.clone(), operator: Operator::In(vec![value]) });
        }
        for expression in object::items(selector, "/matchExpressions") {
            let key = object::text(expression, "/key").to_owned();
            let values =
                || object::items(expression, "/values").iter().filter_map(Value::as_str).map(str::to_owned).collect();
            let operator = match object::text(expression, "/operator") {
                "In" => Operator::In(values()),
                "NotIn" => Operator::NotIn(values()),
                "Exists" => Operator::Exists,
                _ => Operator::NotExists,
            };
            requirements.push(Requirement { key, operator });
        }
        Self { requirements }
    }

    /// Whether there is no requirement.
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether the labels of an object meet every requirement.
    pub fn matches(&self, object: &Value) -> bool {
        self.requirements.iter().all(|requirement| requirement.matches(object))
    }
}

/// The textual form, requirements sorted by key, as `status.selector` of a Scale has it.
impl std::fmt::Display for LabelSelector {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut sorted: Vec<&Requirement> = self.requirements.iter().collect();
        sorted.sort_by(|one, other| one.key.cmp(&other.key));
        for (index, requirement) in sorted.into_iter().enumerate() {
            if index > 0 {
                formatter.write_str(",")?;
            }
            let key = &requirement.key;
            match &requirement.operator {
                Operator::In(values) if values.len() == 1 => write!(formatter, "{key}={}", values[0])?,
                Operator::In(values) => write!(formatter, "{key} in ({})", sorted_list(values))?,
                Operator::NotIn(values) => write!(formatter, "{key} notin ({})", sorted_list(values))?,
                Operator::Exists => write!(formatter, "{key}")?,
                Operator::NotExists => write!(formatter, "!{key}")?,
                Operator::GreaterThan(bound) => write!(formatter, "{key}>{bound}")?,
                Operator::LessThan(bound) => write!(formatter, "{key}<{bound}")?,
            }
        }
        Ok(())
    }
}

fn sorted_list(values: &[String]) -> String {
    let mut values = values.to_vec();
    values.sort();
    values.join(",")
}

impl Requirement {
    fn matches(&self, object: &Value) -> bool {
        let value = object::label(object, &self.key);
        let number = || value.and_then(|value| value.parse::<i64>().ok());
        match &self.operator {
            Operator::In(values) => value.is_some_and(|value| values.iter().any(|one| one == value)),
            Operator::NotIn(values) => value.is_none_or(|value| values.iter().all(|one| one != value)),
            Operator::Exists => value.is_some(),
            Operator::NotExists => value.is_none(),
            Operator::GreaterThan(bound) => number().is_some_and(|number| number > *bound),
            Operator::LessThan(bound) => number().is_some_and(|number| number < *bound),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Symbol(&'static str),
    End,
}

impl Token {
    fn text(&self) -> &str {
        match self {
            Self::Word(word) => word,
            Self::Symbol(symbol) => symbol,
            Self::End => "",
        }
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

/// Longer symbols first, so that `==` is not read as two `=`.
const SYMBOLS: [&str; 9] = ["==", "!=", "=", "!", ",", "(", ")", "<", ">"];

impl Parser {
    fn new(text: &str) -> Self {
        let mut tokens = Vec::new();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            if let Some(symbol) = SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol)) {
                tokens.push(Token::Symbol(symbol));
                rest = &rest[symbol.len()..];
            } else {
                let end = rest
                    .find(|character: char| character.is_whitespace() || "=!,()<>".contains(character))
                    .unwrap_or(rest.len());
                tokens.push(Token::Word(rest[..end].to_owned()));
                rest = &rest[end..];
            }
            rest = rest.trim_start();
        }
        tokens.push(Token::End);
        Self { tokens, at: 0 }
    }

    fn peek(&self) -> &Token {
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn selector(&mut self) -> Result<Vec<Requirement>, String> {
        let mut requirements = Vec::new();
        loop {
            match self.peek() {
                Token::End => return Ok(requirements),
                Token::Word(_) | Token::Symbol("!") => {
                    requirements.push(self.requirement().map_err(|why| format!("unable to parse requirement: {why}"))?);
                    match self.next() {
                        Token::End => return Ok(requirements),
                        Token::Symbol(",") => {
                            if !matches!(self.peek(), Token::Word(_) | Token::Symbol("!")) {
                                let found = self.peek().text();
                                return Err(format!("found '{found}', expected: identifier after ','"));
                            }
                        }
                        other => {
                            return Err(format!("found '{}', expected: ',' or 'end of string'", other.text()));
                        }
                    }
                }
                other => {
                    return Err(format!("found '{}', expected: !, identifier, or 'end of string'", other.text()));
                }
            }
        }
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let negated = *self.peek() == Token::Symbol("!");
        if negated {
            self.next();
        }
        let key = match self.next() {
            Token::Word(word) => word,
            other => return Err(format!("found '{}', expected: identifier", other.text())),
        };
        if negated {
            return Ok(Requirement { key, operator: Operator::NotExists });
        }
        let operator = match self.peek().clone() {
            Token::End | Token::Symbol(",") => {
                return Ok(Requirement { key, operator: Operator::Exists });
            }
            Token::Word(word) if matches!(word.as_str(), "in" | "notin" | "gt" | "lt") => word,
            Token::Symbol(symbol) if matches!(symbol, "=" | "==" | "!=" | "<" | ">") => symbol.to_owned(),
            other => {
                return Err(format!("found '{}', expected: in, notin, =, ==, !=, gt, lt", other.text()));
            }
        };
        self.next();
        let operator = match operator.as_str() {
            "in" => Operator::In(self.set()?),
            "notin" => Operator::NotIn(self.set()?),
            "=" | "==" => Operator::In(vec![self.single()?]),
            "!=" => Operator::NotIn(vec![self.single()?]),
            ">" | "gt" => Operator::GreaterThan(self.number()?),
            _ => Operator::LessThan(self.number()?),
        };
        Ok(Requirement { key, operator })
    }

    fn set(&mut self) -> Result<Vec<String>, String> {
        let open = self.next();
        if open != Token::Symbol("(") {
            return Err(format!("found '{}' expected: '('", open.text()));
        }
        let mut values = Vec::new();
        loop {
            match self.next() {
                Token::Symbol(")") => {
                    // "()" and "(a,)" name the empty value.
                    values.push(String::new());
                    return Ok(values);
                }
                Token::Symbol(",") => values.push(String::new()),
                Token::Word(word) => {
                    values.push(word);
                    match self.next() {
                        Token::Symbol(",") => {}
                        Token::Symbol(")") => return Ok(values),
                        other => {
                            return Err(format!("found '{}', expected: ',' or ')'", other.text()));
                        }
                    }
                }
                other => {
                    return Err(format!("found '{}', expected: ',', ')' or identifier", other.text()));
                }
            }
        }
    }

    fn single(&mut self) -> Result<String, String> {
        match self.peek().clone() {
            Token::End | Token::Symbol(",") => Ok(String::new()),
            Token::Word(word) => {
                self.next();
                Ok(word)
            }
            other => Err(format!("found '{}', expected: identifier", other.text())),
        }
    }

    fn number(&mut self) -> Result<i64, String> {
        let text = self.single()?;
        text.parse().map_err(|_| {
            format!("values[0][]: Invalid value: {text:?}: for 'Gt', 'Lt' operators, the value must be an integer")
        })
    }
}

/// A conjunction of equalities on fields; the empty one matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldSelector {
    terms: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    path: String,
    value: String,
    equal: bool,
}

impl FieldSelector {
    /// Parses `a=b,c!=d`.
    ///
    /// # Errors
    /// The server's message.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut terms = Vec::new();
        for part in split_terms(text) {
            let term = if let Some((path, value)) = part.split_once("!=") {
                Term { path: path.into(), value: value.into(), equal: false }
            } else if let Some((path, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
                Term { path: path.into(), value: value.into(), equal: true }
            } else {
                return Err(format!("invalid selector: '{text}'; can't understand '{part}'"));
            };
            terms.push(Term { value: unescape(&term.value), ..term });
        }
        Ok(Self { terms })
    }

    /// Whether there is no term.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Checks that the resource knows every path.
    ///
    /// # Errors
    /// The server's message, of which there are two kinds.
    pub fn check(&self, resource: &Resource) -> Result<(), String> {
        for term in &self.terms {
            let path = term.path.as_str();
            let known = path == "metadata.name"
                || (resource.namespaced && path == "metadata.namespace")
                || resource.field_labels.contains(&path);
            if known {
                continue;
            }
            return Err(if resource.field_labels.is_empty() {
                format!("\"{path}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
            } else {
                format!("field label not supported: {path}")
            });
        }
        Ok(())
    }

    /// Whether an object meets every term.
    pub fn matches(&self, object: &Value) -> bool {
        self.terms.iter().all(|term| (read_field(object, &term.path) == term.value) == term.equal)
    }

    /// The one name that can match, if the selector fixes it.
    pub fn name(&self) -> Option<&str> {
        self.terms.iter().find(|term| term.equal && term.path == "metadata.name").map(|term| term.value.as_str())
    }
}

/// Splits at commas that no backslash escapes; empty parts are skipped.
fn split_terms(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (index, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                parts.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.retain(|part| !part.is_empty());
    parts
}

fn unescape(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        result.push(if character == '\\' { characters.next().unwrap_or('\\') } else { character });
    }
    result
}

/// The text of a field; an absent flag reads "false".
fn read_field(object: &Value, path: &str) -> String {
    let pointer = match path {
        "name" => "/metadata/name".to_owned(),
        "source" => "/source/component".to_owned(),
        other => format!("/{}", other.replace('.', "/")),
    };
    match object.pointer(&pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(flag)) => flag.to_string(),
        Some(Value::Number(number)) => number.to_string(),
        _ if matches!(path, "spec.unschedulable" | "spec.hostNetwork") => "false".to_owned(),
        _ => String::new(),
    }
}
