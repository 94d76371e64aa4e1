//! `*` is any text, `?` one character, the rest itself.

/// Whether all of `text` fits the pattern.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut read) = (0, 0);
    // Where the last `*` was, and how much of the text it takes so far.
    let mut star: Option<(usize, usize)> = None;
    while read < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || *wanted == text[read] => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((star_at, taken)) = star else {
                    return false;
                };
                star = Some((star_at, taken + 1));
                at = star_at + 1;
                read = taken + 1;
            }
        }
    }
    pattern[at..].iter().all(|rest| *rest == '*')
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
