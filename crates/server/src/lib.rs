//! The HTTP edge: EDAS actions, authentication, health and metrics. Translates, decides nothing.
