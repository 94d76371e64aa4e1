//! The store in memory keeps the contract that the durable stores are held to, by the same suite.

#![expect(clippy::unwrap_used, reason = "everything here is a test, and the suite's functions are called by tests")]

#[macro_use]
#[path = "../../store/tests/contract/suite.rs"]
mod suite;

#[path = "../../store/tests/contract/apps.rs"]
mod apps;
#[path = "../../store/tests/contract/documents.rs"]
mod documents;
#[path = "../../store/tests/contract/leases.rs"]
mod leases;
#[path = "../../store/tests/contract/orders.rs"]
mod orders;
#[path = "../../store/tests/contract/records.rs"]
mod records;
#[path = "../../store/tests/contract/samples.rs"]
mod samples;

/// Makes a test of each function of the suite, on a new store in memory.
macro_rules! in_memory {
    ($($module:ident: $($function:ident),* $(,)?;)*) => {
        $(mod $module {
            $(#[tokio::test]
            async fn $function() {
                crate::$module::$function(&sternway_testkit::MemoryStore::default()).await;
            })*
        })*
    };
}

mod in_memory {
    contract!(in_memory);
}
