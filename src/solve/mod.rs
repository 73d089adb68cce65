//! Ways to solve, and how to choose one.
//!
//! * The linearized flow under a square loss has a closed form, [`Eigen`]: no integration, any time up to ∞.
//! * The gap between a flow and its linearization, and with it both flows, is [`Gap`]'s: the one to use when the
//!   question is how lazy a model is. It integrates e = α²(w − w̄) itself and loses no digits at any α up to ∞.
//! * A single flow is solved by [`Exponential`] (ours), [`Bdf`], [`TrBdf2`], [`Esdirk34`] (implicit) or [`Tsit45`]
//!   (explicit), or by [`Automatic`], which follows the rule below; [`By`] takes a method's name.
//!
//! **The rule** ([`Method::Automatic`]).
//!
//! 1. A model under a square loss, and a flow by itself under any loss that gives a root of its Hessian
//!    ([`Loss::root`](crate::loss::Loss::root): logistic, Huber, cross-entropy): the exponential method
//!    (`solve::exponential`). It is exact in the linear part JᵀHJ, of rank min(N, p), in the modes of the tangent
//!    kernel: no p × p matrix, no Newton iteration, steps that no stiffness limits while the flow is lazy, and a fresh
//!    tangent where it is not. Models with relu or abs, networks or your own, are followed through their kinks
//!    (`solve::piecewise`): arguments that change sign are located, and crossed, or slid along (Filippov), or left.
//! 2. Where it finds that a flow is too far from its tangent, it gives up and what follows takes over. (Where the loss
//!    rose, which no gradient flow does, it tries once more at a hundredth of the tolerance first.)
//!
//!    Beside its linearization a flow under such a loss, other than the square, is left to what follows: no closed form
//!    gives ū, and (ū, e) are two blocks of unknowns whose sizes differ by any factor, with a tolerance each, coupled
//!    through D³R as strongly as each is stiff; the method has one block, one norm, and a Hessian fixed between tangents.
//! 3. Models with kinks: TSIT45. It, too, follows kinks, as the implicit methods do, and starts anew at each. Where they
//!    cannot be followed, as α h cannot be summed as it stands (α above 10¹³ times rtol), the function jumps or it is
//!    too large to be recorded, steps go across them; implicit ones have no solution where a unit dies at its kink.
//! 4. Stiffness M λ₁ T up to 1000, or 100 where p N > 10⁶: TSIT45, whose steps are then hardly limited by stability.
//! 5. Else BDF. Newton's matrix is dense, with the curvature of the model, while p ≤ 600 or p ≤ N; otherwise it is
//!    the identity plus JᵀHJ of rank N, never formed (Woodbury).
//!
//! Why an exponential multistep method and not BDF with low-rank steps, or one-step exponential methods: see the tables
//! in `benches/README.md`. In short: at an error of 1e-6 of the move BDF needs some 150 right-hand sides at any α and
//! ETDRK4 50 to 220 with four or more products each; this one needs 20 to 70 in the lazy regime, 200 at α = 1, with two
//! products each.
//!
//! TR-BDF2 and ESDIRK34 are there to compare with: at tight tolerances they take far more steps.
//!
//! **Tolerances.** `rtol` is meant for the *global* error: relative to the supremum of each unknown's Euclidean norm,
//! a solve aims at an error of at most `rtol`. Local tolerances are set below it by a safety factor per scheme
//! ([`Method`]), calibrated in `tests/solvers.rs`.

mod automatic;
mod clock;
mod comparison;
mod curved;
mod eigen;
mod exponential;
mod gap;
mod gap_system;
mod gradient_descent;
mod observer;
mod ode;
mod piecewise;
mod pilot;
mod recorder;
mod supremum;
mod system;
pub mod training;

pub(crate) use automatic::{Demand, LARGE};
pub use automatic::{Method, Options};
pub use comparison::{Comparison, Peak};
pub use curved::{Automatic, Bdf, By, Esdirk34, Exponential, TrBdf2, Tsit45};
pub use eigen::Eigen;
pub(crate) use eigen::no_modes;
pub use gap::Gap;
pub use gradient_descent::{GradientDescent, Iterate};
pub use observer::Events;
pub use ode::Budget;
