//! Rows by uid, with the bookkeeping of a list that starts anew.

use std::collections::{HashMap, HashSet};

use super::Uid;

/// Rows of one kind.
#[derive(Debug)]
pub(super) struct Table<Row> {
    rows: HashMap<Uid, Row>,
    /// While a list is being read again: rows that have not come up in it.
    unseen: HashSet<Uid>,
}

impl<Row> Default for Table<Row> {
    fn default() -> Self {
        Self { rows: HashMap::new(), unseen: HashSet::new() }
    }
}

impl<Row> Table<Row> {
    /// A list begins: whatever does not come up in it is gone.
    pub(super) fn begin(&mut self) {
        self.unseen = self.rows.keys().cloned().collect();
    }

    /// The list is complete: these rows are to be removed.
    pub(super) fn finish(&mut self) -> HashSet<Uid> {
        std::mem::take(&mut self.unseen)
    }

    /// Adds or replaces a row; gives back what was there.
    pub(super) fn put(&mut self, uid: Uid, row: Row) -> Option<Row> {
        self.unseen.remove(&uid);
        self.rows.insert(uid, row)
    }

    pub(super) fn remove(&mut self, uid: &str) -> Option<Row> {
        self.unseen.remove(uid);
        self.rows.remove(uid)
    }

    pub(super) fn get(&self, uid: &str) -> Option<&Row> {
        self.rows.get(uid)
    }

    pub(super) fn get_mut(&mut self, uid: &str) -> Option<&mut Row> {
        self.rows.get_mut(uid)
    }
}
