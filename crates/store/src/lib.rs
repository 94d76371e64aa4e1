//! Durable state on SQLite: orders, versions, applications, leases, the event log and sealed secrets.
