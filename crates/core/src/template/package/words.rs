//! Options in one text, taken apart as a shell does, but without a shell that could do anything else with them.

/// The words of a text: quotes keep blanks together, a backslash keeps the next character as it is outside of single quotes. A quote that is not
/// closed ends with the text.
pub(super) fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(characters.next()),
            (None, _) if character.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_taken_apart() {
        for (text, expected) in [
            ("", &[][..]),
            ("  -Xms1g\t-Xmx2g\n", &["-Xms1g", "-Xmx2g"]),
            (r#"-Da="b c" '-Dd=$e \f'"#, &["-Da=b c", r"-Dd=$e \f"]),
            (r"-Da=b\ c", &["-Da=b c"]),
            ("-Da=''", &["-Da="]),
            ("'' x", &["", "x"]),
            ("-Da='open end", &["-Da=open end"]),
            ("end\\", &["end"]),
        ] {
            assert_eq!(split(text), expected, "{text}");
        }
    }
}
