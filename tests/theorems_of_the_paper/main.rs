//! The theorems of the paper against runs: where their hypotheses hold no bound is below what it bounds, the rates are
//! those claimed, and where a hypothesis fails so can the conclusion.
//!
//! Numbers in tables were found by independent integrations (an explicit method of order eight at rtol 1e-11), and are
//! given here to the digits they were given there.

#[path = "../common/mod.rs"]
mod common;

mod finite_horizon;
mod generalization;
mod inverse;
mod kernels;
mod lemmas;
mod models;
mod over_parameterized;
mod quantitative;
mod under_parameterized;
