//! Which notices a webhook gets, by patterns.

use std::fmt;

use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

use crate::notice::Notice;

/// Longer than any name that is matched.
const LONGEST: usize = 256;

/// A pattern: `*` stands for any characters, `?` for one, everything else for itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Glob(String);

/// A text that is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a pattern has 1 to {LONGEST} characters without spaces; `*` stands for any characters, `?` for one")]
pub struct GlobError;

impl Glob {
    /// A pattern, as written.
    ///
    /// # Errors
    /// [`GlobError`]
    pub fn parse(text: &str) -> Result<Self, GlobError> {
        let odd = |character: char| character.is_whitespace() || character.is_control();
        if text.is_empty() || text.chars().count() > LONGEST || text.contains(odd) {
            return Err(GlobError);
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether the whole of a text fits. Takes at most as many steps as the product of both lengths.
    pub fn fits(&self, text: &str) -> bool {
        WildMatch::new(&self.0).matches(text)
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What has to fit: one pattern of every list that is not empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Filter {
    /// The event's type, whole or without `io.sternway.order.`.
    pub events: Vec<Glob>,
    /// The application's name or id.
    pub applications: Vec<Glob>,
    /// The Kubernetes namespace.
    pub namespaces: Vec<Glob>,
    /// The cluster's name or id.
    pub clusters: Vec<Glob>,
    /// EDAS's logical region.
    pub logical_regions: Vec<Glob>,
}

impl Filter {
    /// Whether an event of this kind can fit at all: a look before everything about it is read.
    pub(crate) fn wants(&self, event: &str) -> bool {
        let whole = format!("{}{event}", crate::notice::TYPE_PREFIX);
        any(&self.events, &[event, &whole])
    }

    /// Whether a notice fits.
    pub(crate) fn fits(&self, notice: &Notice) -> bool {
        let data = &notice.data;
        self.wants(notice.event)
            && any(&self.applications, &[&data.app_name, &data.app_id])
            && any(&self.namespaces, &[&data.namespace])
            && any(&self.clusters, &[&data.cluster_name, &data.cluster_id])
            && any(&self.logical_regions, &[&data.logical_region_id])
    }
}

fn any(globs: &[Glob], texts: &[&str]) -> bool {
    globs.is_empty() || globs.iter().any(|glob| texts.iter().any(|text| glob.fits(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::tests::notice;

    fn globs(texts: &[&str]) -> Vec<Glob> {
        texts.iter().map(|text| Glob::parse(text).unwrap()).collect()
    }

    #[test]
    fn patterns_fit_whole_texts() {
        for (pattern, text, fits) in [
            ("web", "web", true),
            ("web", "web2", false),
            ("web*", "web", true),
            ("*-prod", "web-prod", true),
            ("*-prod", "web-prod-2", false),
            ("batch-*", "batch-started", true),
            ("w?b", "wob", true),
            ("w?b", "wb", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("*", "", true),
            ("商店*", "商店前台", true),
            ("Web", "web", false),
        ] {
            assert_eq!(Glob::parse(pattern).unwrap().fits(text), fits, "{pattern} {text}");
        }
        // A pattern that would take for ever if every way were tried.
        assert!(!Glob::parse(&"*a".repeat(100)).unwrap().fits(&"a".repeat(99)));
        for bad in ["", "a b", "a\n", &"a".repeat(LONGEST + 1)] {
            assert_eq!(Glob::parse(bad), Err(GlobError), "{bad}");
        }
    }

    #[test]
    fn every_list_that_is_given_has_to_fit() {
        let notice = notice("succeeded");
        assert!(Filter::default().fits(&notice));
        let by_type = Filter { events: globs(&["failed", "succeeded"]), ..Filter::default() };
        assert!(by_type.fits(&notice));
        let by_whole_type = Filter { events: globs(&["io.sternway.order.succ*"]), ..Filter::default() };
        assert!(by_whole_type.fits(&notice) && by_whole_type.wants("succeeded") && !by_whole_type.wants("failed"));
        let both = Filter { applications: globs(&["web"]), namespaces: globs(&["prod-*"]), ..Filter::default() };
        assert!(!both.fits(&notice), "the namespace is another one");
        let by_id = Filter { applications: globs(&[&notice.data.app_id]), ..Filter::default() };
        assert!(by_id.fits(&notice));
        let cluster = Filter { clusters: globs(&["lab"]), logical_regions: globs(&["cn-*"]), ..Filter::default() };
        assert!(cluster.fits(&notice));
    }
}
