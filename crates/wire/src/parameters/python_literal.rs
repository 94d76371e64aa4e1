//! Literals as Python's `repr` writes them: what the older Python SDK sends when its caller passes a list or a dict.
//!
//! Strings in either quote (with a `u` or `b` prefix of Python 2 and 3), numbers, `True`, `False`, `None`, lists, tuples and dicts. No more: this is not
//! an evaluator.

use serde_json::{Map, Number, Value};

/// Deeper than any parameter; a bound on recursion.
const DEEPEST: usize = 64;

/// The value that the text writes, if the whole text is one literal.
pub(super) fn parse(text: &str) -> Option<Value> {
    let mut reader = Reader { rest: text };
    let value = reader.value(0)?;
    reader.skip_space();
    reader.rest.is_empty().then_some(value)
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn eat(&mut self, token: &str) -> bool {
        self.skip_space();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEEPEST {
            return None;
        }
        for (word, value) in [("True", Value::Bool(true)), ("False", Value::Bool(false)), ("None", Value::Null)] {
            if self.eat(word) {
                return Some(value);
            }
        }
        if self.eat("[") {
            return self.items("]", depth);
        }
        if self.eat("(") {
            return self.items(")", depth);
        }
        if self.eat("{") {
            return self.entries(depth);
        }
        match self.string() {
            Some(text) => Some(Value::String(text)),
            None => self.number(),
        }
    }

    fn items(&mut self, end: &str, depth: usize) -> Option<Value> {
        let mut items = Vec::new();
        while !self.eat(end) {
            items.push(self.value(depth + 1)?);
            if !self.eat(",") {
                return self.eat(end).then_some(Value::Array(items));
            }
        }
        Some(Value::Array(items))
    }

    fn entries(&mut self, depth: usize) -> Option<Value> {
        let mut entries = Map::new();
        while !self.eat("}") {
            let key = self.string()?;
            if !self.eat(":") {
                return None;
            }
            entries.insert(key, self.value(depth + 1)?);
            if !self.eat(",") {
                return self.eat("}").then_some(Value::Object(entries));
            }
        }
        Some(Value::Object(entries))
    }

    fn string(&mut self) -> Option<String> {
        self.skip_space();
        let unprefixed = self.rest.strip_prefix(['u', 'b']).unwrap_or(self.rest);
        let quote = unprefixed.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let mut text = String::new();
        let mut chars = unprefixed[1..].chars();
        loop {
            match chars.next()? {
                '\\' => text.push(escape(&mut chars)?),
                c if c == quote => break,
                c => text.push(c),
            }
        }
        self.rest = chars.as_str();
        Some(text)
    }

    fn number(&mut self) -> Option<Value> {
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)));
        let (digits, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        let digits = digits.strip_suffix('L').unwrap_or(digits);
        let number: Number = serde_json::from_str(digits).ok()?;
        self.rest = rest;
        Some(Value::Number(number))
    }
}

/// What follows a backslash.
fn escape(chars: &mut std::str::Chars<'_>) -> Option<char> {
    match chars.next()? {
        'n' => Some('\n'),
        't' => Some('\t'),
        'r' => Some('\r'),
        'x' => code_point(chars, 2),
        'u' => code_point(chars, 4),
        'U' => code_point(chars, 8),
        quoted @ ('\\' | '\'' | '"') => Some(quoted),
        _ => None,
    }
}

fn code_point(chars: &mut std::str::Chars<'_>, digits: usize) -> Option<char> {
    let (hex, rest) = chars.as_str().split_at_checked(digits)?;
    *chars = rest.chars();
    char::from_u32(u32::from_str_radix(hex, 16).ok()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};
    use serde_json::json;

    use super::*;

    #[test]
    fn what_python_writes_is_read() {
        let cases = [
            ("[{'Key': 'a', 'Value': \"it's\"}]", json!([{"Key": "a", "Value": "it's"}])),
            (
                "{u'a': u'\\u4e2d', 'b': [1, -2.5, True, False, None]}",
                json!({"a": "中", "b": [1, -2.5, true, false, null]}),
            ),
            ("('x',)", json!(["x"])),
            ("'a\\n\\\\\\'\\x41'", json!("a\n\\'A")),
            (" [ ] ", json!([])),
            ("10L", json!(10)),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn anything_else_is_not() {
        for text in ["", "[", "['a'", "{'a'}", "{1: 2}", "['a'] x", "open('f')", "'a\\q'", "'a", "Truex", "[1 2]"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse(&"[".repeat(100_000)), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = parse(&text);
            let _ = parse(&format!("['{text}"));
        }
    }
}
