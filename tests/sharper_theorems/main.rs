//! Our own theorems against measured paths: that no bound is below what it bounds, how far above it is, and that each
//! condition matters.

#[path = "../common/mod.rs"]
mod common;

mod identity;
mod models;
