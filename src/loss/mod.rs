//! Losses R : Rᴺ → R₊ on the outputs y = α h(w), with their convexity.
//!
//! The convention (sum or mean over outputs, with or without ½) scales the flow's clock, so it is part of a loss's
//! name and printed with every output. A bare kind means: `square` → `square-half-sum` (the paper's ½‖y − y*‖²),
//! `logistic` → `logistic-sum`, `cross-entropy` → `cross-entropy-sum`, `huber` → `huber-sum`.
//!
//! A new loss is a file here and one line below.

mod cross_entropy;
mod exponential;
mod huber;
mod logistic;
mod named;
mod root;
mod square;

pub use cross_entropy::CrossEntropy;
pub use huber::Huber;
pub use logistic::Logistic;
pub use named::LossName;
pub use root::Root;
pub use square::{Square, SquareScale};

/// Whether a loss adds its terms up or averages them: over outputs, for cross-entropy over samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reduction {
    /// Σᵢ.
    #[default]
    Sum,
    /// 1/n Σᵢ.
    Mean,
}

impl Reduction {
    /// What each of `terms` terms is multiplied by: 1 or 1/n.
    fn weight(self, terms: usize) -> f64 {
        match self {
            Reduction::Sum => 1.0,
            Reduction::Mean => 1.0 / terms as f64,
        }
    }
}

/// `sum` or `mean`, as in the names of losses.
impl std::fmt::Display for Reduction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Reduction::Sum => "sum",
            Reduction::Mean => "mean",
        })
    }
}

/// Constants of strong convexity and smoothness: m Id ≤ ∇²R ≤ M Id. Zero and infinity are honest answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Convexity {
    /// m ≥ 0, strong convexity on all of Rᴺ.
    pub m: f64,
    /// M ≤ ∞, the Lipschitz constant of ∇R.
    pub big_m: f64,
}

impl Convexity {
    /// M/m, the condition number κ of the paper's Theorem 2.4; infinite where m = 0.
    pub fn condition(&self) -> f64 {
        self.big_m / self.m
    }
}

/// `R : Rᴺ → R₊`.
pub trait Loss: Sync {
    /// The full name with its convention, as `square-half-sum`.
    fn name(&self) -> String;
    /// N.
    fn outputs(&self) -> usize;
    /// R(y).
    fn value(&self, y: &[f64]) -> f64;
    /// `g` ← ∇R(y).
    fn gradient(&self, y: &[f64], g: &mut [f64]);
    /// `out` ← ∇²R(y) dy.
    fn hessian(&self, y: &[f64], dy: &[f64], out: &mut [f64]);
    /// `q` ← [∇R(y + ε s) − ∇R(y)]/ε without cancellation for every ε ≥ 0; ∇²R(y) s at ε = 0.
    fn increment(&self, y: &[f64], s: &[f64], eps: f64, q: &mut [f64]);
    /// m and M.
    fn convexity(&self) -> Convexity;
    /// A root of the Hessian, ∇²R(y) = S Sᵀ, for those who solve with it; `None` where there is none at hand.
    fn root(&self, y: &[f64]) -> Option<Root> {
        let c = self.quadratic()?.curvature;
        Some(Root::diagonal(y.iter().map(|_| c)))
    }
    /// The target and curvature c of R = c/2 ‖y − y*‖², where R is of that form: admits the closed form.
    fn quadratic(&self) -> Option<Quadratic<'_>> {
        None
    }
    /// The minimizer y* of R where it has one, of length N.
    fn minimizer(&self) -> Option<&[f64]> {
        self.quadratic().map(|q| q.target)
    }
}

/// R = c/2 ‖y − y*‖².
#[derive(Debug, Clone, Copy)]
pub struct Quadratic<'a> {
    /// y*, of length N.
    pub target: &'a [f64],
    /// c > 0.
    pub curvature: f64,
}

/// A loss is as good through a reference.
impl<L: Loss + ?Sized> Loss for &L {
    fn name(&self) -> String {
        (**self).name()
    }
    fn outputs(&self) -> usize {
        (**self).outputs()
    }
    fn value(&self, y: &[f64]) -> f64 {
        (**self).value(y)
    }
    fn gradient(&self, y: &[f64], g: &mut [f64]) {
        (**self).gradient(y, g);
    }
    fn hessian(&self, y: &[f64], dy: &[f64], out: &mut [f64]) {
        (**self).hessian(y, dy, out);
    }
    fn increment(&self, y: &[f64], s: &[f64], eps: f64, q: &mut [f64]) {
        (**self).increment(y, s, eps, q);
    }
    fn convexity(&self) -> Convexity {
        (**self).convexity()
    }
    fn root(&self, y: &[f64]) -> Option<Root> {
        (**self).root(y)
    }
    fn quadratic(&self) -> Option<Quadratic<'_>> {
        (**self).quadratic()
    }
    fn minimizer(&self) -> Option<&[f64]> {
        (**self).minimizer()
    }
}
