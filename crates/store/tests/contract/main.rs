//! The port's contract, as a suite that any backend can run, and what is particular to SQLite.
//!
//! Each function of the suite takes a `&dyn Store` that is empty. A further backend adds a macro call with its own way to make one.

#![expect(clippy::unwrap_used, reason = "everything here is a test, and the suite's functions are called by tests")]

#[macro_use]
mod suite;

mod apps;
mod audit;
mod documents;
mod leases;
mod orders;
mod records;
mod rotation;
mod samples;
mod sqlite;

/// Makes a test of each function of the suite, on a new SQLite store.
macro_rules! on_sqlite {
    ($($module:ident: $($function:ident),* $(,)?;)*) => {
        $(mod $module {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $function() {
                let place = crate::sqlite::Place::new();
                let store = place.open().await;
                crate::$module::$function(&store).await;
                store.close().await;
            })*
        })*
    };
}

mod on_sqlite {
    contract!(on_sqlite);
}
