//! The Kubernetes adapter: credentials, watches into observations, effects into patches.
