//! What is recorded of changes that are made to a data directory without a server: the same chain, asked and answered, as for requests.
//!
//! Who did it is known as the operating system has it. `local:` before the name cannot begin the name of a user of the API, so that the two are not
//! taken for each other.

use std::collections::BTreeMap;

use sternway_core::audit::{Entry, Stage};
use sternway_core::ports::Audit as _;
use sternway_store::SqliteStore;
use sternway_wire::envelope::SUCCESS_CODE;
use uuid::Uuid;

use crate::{output, system};

const SOURCE: &str = "local";
const FAILED: &str = "Failed";
const ACCOUNTS: &str = "/etc/passwd";

/// Something that is done, by the name of the operation that does it over the API.
pub(super) fn entry(operation: &str, parameters: &[(&str, &str)]) -> Entry {
    let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Entry {
        at: system::now(),
        stage: Stage::Asked,
        user: local_user(),
        access_key_id: String::new(),
        source: SOURCE.to_owned(),
        operation: operation.to_owned(),
        app_id: String::new(),
        parameters: parameters.collect(),
        withheld: Vec::new(),
        results: BTreeMap::new(),
        code: String::new(),
        trace_id: Uuid::new_v4().simple().to_string(),
        unrecorded: 0,
    }
}

/// Records a change, makes it, and records how it went. What cannot be recorded is not done.
pub(super) async fn recorded<T>(
    store: &SqliteStore,
    entry: Entry,
    change: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    store.append(entry.clone()).await?;
    let outcome = change.await;
    let code = if outcome.is_ok() { SUCCESS_CODE.to_string() } else { FAILED.to_owned() };
    let answered = Entry { at: system::now(), stage: Stage::Answered, code, ..entry };
    if let Err(error) = store.append(answered).await {
        // It is done, and a secret may be in the outcome that is shown but once.
        output::say(&format!("the outcome could not be recorded in the audit log: {error}"));
    }
    outcome
}

/// `local:` and the name of whoever runs this, or the number where it has no name.
fn local_user() -> String {
    let id = rustix::process::getuid().as_raw();
    let accounts = std::fs::read_to_string(ACCOUNTS).unwrap_or_default();
    format!("local:{}", name_of(id, &accounts).map_or_else(|| id.to_string(), str::to_owned))
}

/// The name of a user in lines of `name:password:uid:...`.
fn name_of(id: u32, accounts: &str) -> Option<&str> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _, number) = (fields.next()?, fields.next()?, fields.next()?);
        (number.parse() == Ok(id)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_have_the_names_of_their_accounts() {
        let accounts = "root:x:0:0:root:/root:/bin/sh\n# comment\nalice:x:1000:1000::/home/alice:/bin/sh\n";
        assert_eq!(name_of(1000, accounts), Some("alice"));
        assert_eq!(name_of(0, accounts), Some("root"));
        assert_eq!(name_of(7, accounts), None);
    }
}
