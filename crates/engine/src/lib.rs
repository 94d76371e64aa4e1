//! Runs orders: claims, steps, commits, performs effects, recovers.
