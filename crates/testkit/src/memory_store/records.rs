//! Records in memory.

use std::sync::PoisonError;

use async_trait::async_trait;
use sternway_core::ports::{Record, StoreError};

use super::MemoryStore;

impl MemoryStore {
    pub(super) fn forget_records_of(&self, owners: &[String]) {
        if !owners.is_empty() {
            self.documents().retain(|record| !owners.contains(&record.owner));
        }
    }

    fn documents(&self) -> std::sync::MutexGuard<'_, Vec<Record>> {
        self.documents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl sternway_core::ports::Records for MemoryStore {
    async fn put_record(&self, record: Record) -> Result<bool, StoreError> {
        let mut all = self.documents();
        let stored = all.iter_mut().find(|stored| stored.kind == record.kind && stored.id == record.id);
        match stored {
            Some(stored) if stored.revision + 1 == record.revision => *stored = record,
            None if record.revision == 1 => all.push(record),
            _ => return Ok(false),
        }
        Ok(true)
    }

    async fn record(&self, kind: &str, id: &str) -> Result<Option<Record>, StoreError> {
        Ok(self.documents().iter().find(|record| record.kind == kind && record.id == id).cloned())
    }

    async fn records(&self, kind: &str, owner: Option<&str>) -> Result<Vec<Record>, StoreError> {
        let fits = |record: &&Record| record.kind == kind && owner.is_none_or(|owner| record.owner == owner);
        Ok(self.documents().iter().filter(fits).cloned().collect())
    }

    async fn delete_record(&self, kind: &str, id: &str) -> Result<bool, StoreError> {
        let mut all = self.documents();
        let before = all.len();
        all.retain(|record| record.kind != kind || record.id != id);
        Ok(all.len() < before)
    }
}
