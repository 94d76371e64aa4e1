//! `*` is any text, `?` one character, the rest itself.

use wildmatch::WildMatch;

/// Whether all of `text` fits the pattern.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    WildMatch::new(pattern).matches(text)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn patterns_fit_whole_texts() {
        let table = [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "a/b", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a*c", "abcbc", true),
            ("a*c", "abcb", false),
            ("*/deployments/*", "/apis/apps/v1/namespaces/x/deployments/web", true),
            ("**b*", "aab", true),
            ("a", "ab", false),
        ];
        for (pattern, text, wanted) in table {
            assert_eq!(fits(pattern, text), wanted, "{pattern} on {text}");
        }
    }
}
