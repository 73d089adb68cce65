//! Ways to solve, and how to choose one.
//!
//! * The linearized flow under a square loss has a closed form, [`Eigen`]: no integration, any time up to ∞.
//! * The gap between a flow and its linearization, and with it both flows, is [`Gap`]'s: the one to use when the
//!   question is how lazy a model is. It integrates e = α²(w − w̄) itself and loses no digits at any α up to ∞.
//! * A single flow is solved by [`Bdf`], [`TrBdf2`], [`Esdirk34`] (implicit) or [`Tsit45`] (explicit), or by
//!   [`Automatic`], which follows the rule below.
//!
//! **The rule** ([`Method::Automatic`]). Stiffness is M λ₁ T: the smoothness of the loss times the largest eigenvalue
//! of the tangent kernel at the start times the horizon, about the number of fastest relaxation times to be crossed.
//!
//! 1. A model with kinks (relu, abs): TSIT45. Implicit steps have no solution where a unit dies at its kink.
//! 2. Stiffness up to 1000, or 100 where p N > 10⁶: TSIT45, whose steps are then hardly limited by stability.
//! 3. Else BDF. Newton's matrix is dense, with the curvature of the model, while p ≤ 600 or p ≤ N; otherwise it is
//!    the identity plus JᵀHJ of rank N, never formed (Woodbury).
//!
//! TR-BDF2 and ESDIRK34 are there to compare with: at tight tolerances they take far more steps.
//!
//! **Tolerances.** `rtol` is meant for the *global* error: relative to the supremum of each unknown's Euclidean norm,
//! a solve aims at an error of at most `rtol`. Local tolerances are set below it by a safety factor per scheme
//! ([`Method`]), calibrated in `tests/solvers.rs`.

mod automatic;
mod comparison;
mod curved;
mod eigen;
mod exponential;
mod gap;
mod gap_system;
mod observer;
mod ode;
mod piecewise;
mod pilot;
mod recorder;
mod supremum;
mod system;

pub(crate) use automatic::{Demand, LARGE};
pub use automatic::{Method, Options};
pub use comparison::{Comparison, Peak};
pub use curved::{Automatic, Bdf, By, Esdirk34, Exponential, TrBdf2, Tsit45};
pub use eigen::Eigen;
pub(crate) use eigen::no_modes;
pub use gap::Gap;
pub use observer::Events;
pub use ode::Budget;
