//! Why a text is not JSON, in the words that a real server (which is written in Go) uses.
//!
//! Clients show these messages to people, who search for them; so they are worth the page of code.

/// Explains the first syntax error of `bytes`.
pub(crate) fn explain(bytes: &[u8]) -> String {
    let mut scanner = Scanner { bytes, at: 0 };
    match scanner.document() {
        Ok(()) => "invalid JSON".to_owned(),
        Err(Fault::End) => "unexpected end of JSON input".to_owned(),
        Err(Fault::Character(byte, context)) => {
            format!("invalid character {} {context}", quote(byte))
        }
    }
}

enum Fault {
    End,
    Character(u8, String),
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn document(&mut self) -> Result<(), Fault> {
        self.value()?;
        self.space();
        match self.bytes.get(self.at) {
            None => Ok(()),
            Some(byte) => Err(Fault::Character(*byte, "after top-level value".into())),
        }
    }

    fn space(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Result<u8, Fault> {
        self.bytes.get(self.at).copied().ok_or(Fault::End)
    }

    fn value(&mut self) -> Result<(), Fault> {
        self.space();
        match self.peek()? {
            b'{' => self.object(),
            b'[' => self.array(),
            b'"' => self.string(),
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            b'n' => self.literal("null"),
            b'-' | b'0'..=b'9' => self.number(),
            byte => Err(Fault::Character(byte, "looking for beginning of value".into())),
        }
    }

    fn literal(&mut self, word: &str) -> Result<(), Fault> {
        for (index, expected) in word.bytes().enumerate() {
            let byte = self.peek()?;
            if byte != expected {
                debug_assert!(index > 0, "the first letter chose the word");
                let context = format!("in literal {word} (expecting {})", quote(expected));
                return Err(Fault::Character(byte, context));
            }
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), Fault> {
        if self.peek()? == b'-' {
            self.at += 1;
        }
        match self.peek()? {
            b'0' => self.at += 1,
            b'1'..=b'9' => self.digits(),
            byte => return Err(Fault::Character(byte, "in numeric literal".into())),
        }
        if matches!(self.bytes.get(self.at), Some(b'.')) {
            self.at += 1;
            self.some_digits("after decimal point in numeric literal")?;
        }
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.bytes.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits("in exponent of numeric literal")?;
        }
        Ok(())
    }

    fn some_digits(&mut self, context: &str) -> Result<(), Fault> {
        let byte = self.peek()?;
        if !byte.is_ascii_digit() {
            return Err(Fault::Character(byte, context.into()));
        }
        self.digits();
        Ok(())
    }

    fn digits(&mut self) {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
    }

    fn string(&mut self) -> Result<(), Fault> {
        self.at += 1;
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => self.escape()?,
                byte if byte < 0x20 => {
                    return Err(Fault::Character(byte, "in string literal".into()));
                }
                _ => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        self.at += 1;
        match self.peek()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 1,
            b'u' => {
                self.at += 1;
                for _ in 0..4 {
                    let byte = self.peek()?;
                    if !byte.is_ascii_hexdigit() {
                        return Err(Fault::Character(byte, "in \\u hexadecimal character escape".into()));
                    }
                    self.at += 1;
                }
            }
            byte => return Err(Fault::Character(byte, "in string escape code".into())),
        }
        Ok(())
    }

    fn object(&mut self) -> Result<(), Fault> {
        self.at += 1;
        self.space();
        if self.peek()? == b'}' {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.space();
            match self.peek()? {
                b'"' => self.string()?,
                byte => {
                    return Err(Fault::Character(byte, "looking for beginning of object key string".into()));
                }
            }
            self.space();
            match self.peek()? {
                b':' => self.at += 1,
                byte => return Err(Fault::Character(byte, "after object key".into())),
            }
            self.value()?;
            self.space();
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Ok(());
                }
                byte => return Err(Fault::Character(byte, "after object key:value pair".into())),
            }
        }
    }

    fn array(&mut self) -> Result<(), Fault> {
        self.at += 1;
        self.space();
        if self.peek()? == b']' {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value()?;
            self.space();
            match self.peek()? {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Ok(());
                }
                byte => return Err(Fault::Character(byte, "after array element".into())),
            }
        }
    }
}

/// A byte as Go quotes it.
fn quote(byte: u8) -> String {
    match byte {
        b'\'' => r"'\''".to_owned(),
        b'\n' => r"'\n'".to_owned(),
        b'\t' => r"'\t'".to_owned(),
        b'\r' => r"'\r'".to_owned(),
        0..0x20 | 0x7f => format!(r"'\x{byte:02x}'"),
        0x20..0x7f => format!("'{}'", char::from(byte)),
        0x80..0xa0 | 0xad => format!(r"'\u{:04x}'", u32::from(byte)),
        _ => format!("'{}'", char::from(byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::explain;

    #[test]
    fn first_errors_read_as_a_real_server_words_them() {
        let cases: [(&[u8], &str); 9] = [
            (b"", "unexpected end of JSON input"),
            (b"{bad", "invalid character 'b' looking for beginning of object key string"),
            (b"nonsense", "invalid character 'o' in literal null (expecting 'u')"),
            (&[0x81, 0xaa], r"invalid character '\u0081' looking for beginning of value"),
            (b"{\"a\":1", "unexpected end of JSON input"),
            (b"{\"a\" 1}", "invalid character '1' after object key"),
            (b"[1 2]", "invalid character '2' after array element"),
            (b"{} x", "invalid character 'x' after top-level value"),
            (b"1.x", "invalid character 'x' after decimal point in numeric literal"),
        ];
        for (text, wanted) in cases {
            assert_eq!(explain(text), wanted, "{text:?}");
        }
    }
}
