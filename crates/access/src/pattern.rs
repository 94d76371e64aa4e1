//! Wildcards as policies write them: `*` for any text, `?` for one character.

use std::fmt;

use wildmatch::WildMatch;

/// A text with wildcards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(String);

impl Pattern {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Whether the whole text is like the pattern. `*` also stands for `/` and `:`, as it does in RAM.
    pub(crate) fn matches(&self, text: &str) -> bool {
        WildMatch::new(&self.0).matches(text)
    }

    /// The same, where `a` is as good as `A`.
    pub(crate) fn matches_in_any_case(&self, text: &str) -> bool {
        // Not the library's own way: to that, the sign of Kelvin is a k.
        WildMatch::new(&self.0.to_ascii_lowercase()).matches(&text.to_ascii_lowercase())
    }

    /// What stands before the first wildcard.
    pub(crate) fn literal_start(&self) -> &str {
        self.0.split(['*', '?']).next().unwrap_or("")
    }

    pub(crate) fn has_wildcard(&self) -> bool {
        self.0.contains(['*', '?'])
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What the pattern means, said plainly and slowly.
    fn plainly(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (None, Some(_)) => false,
            (Some(('*', rest)), None) => plainly(rest, text),
            (Some(('*', rest)), Some((_, later))) => plainly(rest, text) || plainly(pattern, later),
            (Some(_), None) => false,
            (Some((wanted, rest)), Some((found, later))) => (*wanted == '?' || wanted == found) && plainly(rest, later),
        }
    }

    proptest! {
        #[test]
        fn the_fast_way_and_the_plain_way_agree(pattern in "[ab*?]{0,8}", text in "[ab]{0,10}") {
            let slow = plainly(&pattern.chars().collect::<Vec<_>>(), &text.chars().collect::<Vec<_>>());
            prop_assert_eq!(Pattern::new(&pattern).matches(&text), slow);
        }

        #[test]
        fn a_text_without_wildcards_is_like_itself_only(text in "[a-z/:é]{0,12}", other in "[a-z/:é]{0,12}") {
            prop_assert_eq!(Pattern::new(&text).matches(&other), text == other);
        }
    }

    #[test]
    fn actions_are_compared_in_any_case_and_resources_are_not() {
        assert!(Pattern::new("EDAS:read*").matches_in_any_case("edas:ReadApplication"));
        assert!(!Pattern::new("namespace/A").matches("namespace/a"));
        assert!(!Pattern::new("edas:Chec\u{212A}*").matches_in_any_case("edas:CheckThis"));
    }

    #[test]
    fn many_stars_take_no_time() {
        let pattern = "*a".repeat(200) + "b";
        assert!(!Pattern::new(&pattern).matches(&"a".repeat(5000)));
    }
}
