//! The compatibility document says what the server does.
