//! Our own theorems against measured paths: that no bound is below what it bounds, how far above it is, and that each
//! condition matters.

#[path = "../common/mod.rs"]
mod common;

mod convex_losses;
mod finite_horizon;
mod identity;
mod infinite_horizon;
mod models;
mod random_models;
mod ratios;
mod restart;
mod solver_error;
