//! Where the audit log is kept.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;
use crate::audit::{Broken, Entry, Head, Link};

/// Which entries to read. What is absent does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only of this user.
    pub user: Option<String>,
    /// Only of this operation.
    pub operation: Option<String>,
    /// Only about this application.
    pub app_id: Option<String>,
    /// Only from then on.
    pub since: Option<Timestamp>,
    /// Only before then.
    pub until: Option<Timestamp>,
    /// Not those of [`crate::audit::Stage::Asked`] whose answer is recorded too.
    pub only_outcomes: bool,
}

/// Where to begin reading, and in which direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditPage {
    /// Those after this number, oldest first.
    After(u64),
    /// Those before this number, newest first.
    Before(u64),
}

/// The audit log. It only grows.
#[async_trait]
pub trait Audit: Send + Sync + 'static {
    /// Adds an entry; durable when it returns. Answers with the head that it makes.
    async fn append(&self, entry: Entry) -> Result<Head, StoreError>;
    /// Entries, at most `limit`.
    async fn entries(&self, filter: AuditFilter, page: AuditPage, limit: u32) -> Result<Vec<Link>, StoreError>;
    /// The head as it was sealed with the last entry, or why it cannot be believed.
    async fn head(&self) -> Result<Result<Head, Broken>, StoreError>;
}

/// Entries that are checked at a time.
const PAGE: u32 = 1000;

/// Checks a whole log, from its first entry to its sealed head. Answers with the head, or the first thing that is wrong.
///
/// # Errors
/// If the log cannot be read.
pub async fn verify(audit: &dyn Audit) -> Result<Result<Head, Broken>, StoreError> {
    // The head first: what is added meanwhile comes after it.
    let sealed = match audit.head().await? {
        Ok(sealed) => sealed,
        Err(broken) => return Ok(Err(broken)),
    };
    let mut reached = Head::default();
    loop {
        let page = audit.entries(AuditFilter::default(), AuditPage::After(reached.sequence), PAGE).await?;
        for link in &page {
            if let Err(broken) = reached.follow(link) {
                return Ok(Err(broken));
            }
            if link.sequence == sealed.sequence && link.hash != sealed.hash {
                return Ok(Err(Broken::Rewritten(link.sequence)));
            }
        }
        if page.is_empty() {
            break;
        }
    }
    if reached.sequence < sealed.sequence {
        return Ok(Err(Broken::Cut { ends: reached.sequence, expected: sealed.sequence }));
    }
    // What came meanwhile was sealed, too.
    Ok(audit.head().await?.and_then(|sealed| {
        if reached.sequence > sealed.sequence { Err(Broken::Unsealed(sealed.sequence + 1)) } else { Ok(reached) }
    }))
}
