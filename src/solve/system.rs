//! The flow as an ODE system, in u; and what it shares with the gap's.

use super::ode::{Block, LowRank, System};
use super::piecewise::{Pieces, Switch};
use crate::flow::KinkLog;
use crate::linalg::{self, column_major, column_major_mut, gemm};
use crate::loss::{Loss, Root};
use crate::model::{Buffers, Differentiable, Displacement};
use nalgebra::DMatrix;
use std::cell::Cell;
use std::sync::Arc;

/// Above this many parameters Newton's matrix leaves out the curvature of the model.
const CURVATURE_LIMIT: usize = 600;

/// What every system of one flow shares.
pub(crate) struct Setting<'a> {
    pub(crate) map: &'a dyn Differentiable,
    pub(crate) loss: &'a dyn Loss,
    pub(crate) start: &'a [f64],
    /// ε = 1/α.
    pub(crate) eps: f64,
    /// α h(w₀).
    pub(crate) initial: Vec<f64>,
}

impl Setting<'_> {
    pub(crate) fn params(&self) -> usize {
        self.start.len()
    }

    pub(crate) fn outputs(&self) -> usize {
        self.initial.len()
    }

    /// JᵀHJ at w = w₀ + εu, where y = α h(w), in factors.
    pub(crate) fn block(&self, w: &[f64], y: &[f64]) -> Block {
        let jacobian = self.map.jacobian(w);
        let kernel = self.map.kernel(w);
        let hessian = self.hessian_times(y, &DMatrix::identity(y.len(), y.len()));
        let product = self.hessian_times(y, &kernel);
        Block { jacobian, hessian, product }
    }

    /// ∇²R(y) M.
    fn hessian_times(&self, y: &[f64], m: &DMatrix<f64>) -> DMatrix<f64> {
        let mut out = DMatrix::zeros(m.nrows(), m.ncols());
        for j in 0..m.ncols() {
            self.loss.hessian(y, m.column(j).as_slice(), out.column_mut(j).as_mut_slice());
        }
        out
    }

    /// −(JᵀHJ + ε Σᵢ ∂ᵢR D²hᵢ) at w, p × p; without its second part where p is large.
    pub(crate) fn newton(&self, w: &[f64], y: &[f64]) -> DMatrix<f64> {
        let (n, p) = (self.outputs(), self.params());
        let jacobian = self.map.jacobian(w);
        let weighted = self.hessian_times(y, &jacobian);
        let mut out = DMatrix::zeros(p, p);
        gemm(
            column_major_mut(out.as_mut_slice(), p, p),
            false,
            column_major(jacobian.as_slice(), n, p).transpose(),
            column_major(weighted.as_slice(), n, p),
            -1.0,
        );
        if self.eps > 0.0 && p <= CURVATURE_LIMIT && !self.map.is_linear() {
            let (mut gradient, mut unit, mut column) = (vec![0.0; n], vec![0.0; p], vec![0.0; p]);
            self.loss.gradient(y, &mut gradient);
            for j in 0..p {
                unit[j] = 1.0;
                self.map.curvature(w, &gradient, &unit, &mut column);
                unit[j] = 0.0;
                for (out, c) in out.column_mut(j).iter_mut().zip(&column) {
                    *out -= self.eps * c;
                }
            }
        }
        out
    }

    /// w₀ + εu.
    pub(crate) fn weights(&self, u: &[f64]) -> Vec<f64> {
        let mut w = vec![0.0; u.len()];
        self.write_weights(u, &mut w);
        w
    }

    /// `w` ← w₀ + εu.
    fn write_weights(&self, u: &[f64], w: &mut [f64]) {
        let pairs = self.start.iter().zip(u);
        w.iter_mut().zip(pairs).for_each(|(w, (w0, u))| *w = w0 + self.eps * u);
    }

    /// α h(w₀) + first + ε rest.
    fn total(&self, first: &[f64], rest: &[f64]) -> Vec<f64> {
        let mut y = vec![0.0; first.len()];
        self.write_total(first, rest, &mut y);
        y
    }

    /// `y` ← α h(w₀) + first + ε rest.
    fn write_total(&self, first: &[f64], rest: &[f64], y: &mut [f64]) {
        let parts = self.initial.iter().zip(first).zip(rest);
        y.iter_mut().zip(parts).for_each(|(y, ((y0, f), r))| *y = y0 + f + self.eps * r);
    }
}

/// u' = −Dh(w₀ + εu)ᵀ ∇R(α h(w₀ + εu)).
pub(crate) struct CurvedSystem<'a> {
    pub(crate) setting: Setting<'a>,
    /// Zeros of length p: the second-order displacement.
    zeros: Vec<f64>,
    /// Whether α h is evaluated as it stands, at the price of α ulps of h.
    plainly: bool,
    /// R(y) where the velocity was last taken.
    loss: Cell<f64>,
    /// The piece the path is on, where kinks are followed.
    pieces: Option<Pieces<'a>>,
    buffers: Buffers,
}

impl<'a> CurvedSystem<'a> {
    pub(crate) fn new(setting: Setting<'a>, plainly: bool) -> Self {
        CurvedSystem {
            zeros: vec![0.0; setting.params()],
            plainly,
            loss: Cell::new(f64::NAN),
            pieces: None,
            buffers: Buffers::default(),
            setting,
        }
    }

    /// Follows kinks, if the model has kinks that can be followed; whether it has.
    pub(crate) fn follow_kinks(&mut self) -> bool {
        let kinked = self.setting.map.kinked();
        self.pieces = kinked.and_then(|kinked| Pieces::at(kinked, self.setting.start));
        self.pieces.is_some()
    }

    /// Whether they are followed.
    pub(crate) fn follows_kinks(&self) -> bool {
        self.pieces.is_some()
    }

    /// Stops following them: the velocity is that of the model as it is, not of the piece at hand.
    pub(crate) fn ignore_kinks(&mut self) {
        self.pieces = None;
    }

    /// What the integrator must ask, from the start on.
    pub(crate) fn switching(&self) -> Option<Switch<'_, 'a>> {
        let pieces = self.pieces.as_ref()?;
        pieces.restart(self.setting.start);
        Some(Switch { pieces, setting: &self.setting, scale: 1.0 })
    }

    /// What happened at kinks until `end`.
    pub(crate) fn kinks(&self, end: f64) -> Option<KinkLog> {
        self.pieces.as_ref().map(|pieces| pieces.log(end))
    }

    /// R(y) where the velocity was last taken.
    pub(crate) fn last_loss(&self) -> f64 {
        self.loss.get()
    }
}

impl CurvedSystem<'_> {
    fn at<'b>(&'b self, u: &'b [f64]) -> Displacement<'b> {
        Displacement {
            start: self.setting.start,
            first: u,
            rest: &self.zeros,
            eps: self.setting.eps,
        }
    }

    /// α h(w₀ + εu).
    pub(crate) fn outputs(&self, u: &[f64]) -> Vec<f64> {
        let n = self.setting.outputs();
        if self.plainly {
            let mut h = vec![0.0; n];
            self.setting.map.value(&self.setting.weights(u), &mut h);
            h.iter_mut().for_each(|h| *h /= self.setting.eps);
            return h;
        }
        let (mut first, mut rest) = (vec![0.0; n], vec![0.0; n]);
        self.setting.map.expand(self.at(u), &mut first, &mut rest);
        self.setting.total(&first, &rest)
    }
}

impl System for CurvedSystem<'_> {
    fn dim(&self) -> usize {
        self.setting.params()
    }

    fn rhs(&self, _t: f64, u: &[f64], du: &mut [f64]) {
        if let Some(pieces) = &self.pieces {
            self.loss.set(pieces.velocity(&self.setting, u, du));
            return;
        }
        let Setting { map, loss, eps, .. } = &self.setting;
        let mut y = self.buffers.take(self.setting.outputs());
        if self.plainly {
            let mut w = self.buffers.take(u.len());
            self.setting.write_weights(u, &mut w);
            let mut seed = |h: &[f64], v: &mut [f64]| {
                y.iter_mut().zip(h).for_each(|(y, h)| *y = h / eps);
                self.loss.set(loss.value(&y));
                loss.gradient(&y, v);
                v.iter_mut().for_each(|v| *v = -*v);
            };
            return map.gradient(&w, &mut seed, du);
        }
        let mut change = self.buffers.take(du.len());
        let mut seed = |first: &[f64], rest: &[f64], v0: &mut [f64], v1: &mut [f64]| {
            self.setting.write_total(first, rest, &mut y);
            self.loss.set(loss.value(&y));
            loss.gradient(&y, v0);
            v1.fill(0.0);
        };
        map.increment(self.at(u), &mut seed, du, &mut change);
        du.iter_mut().zip(change.iter()).for_each(|(d, c)| *d = -(*d + eps * c));
    }

    fn jacobian(&self, _t: f64, u: &[f64]) -> DMatrix<f64> {
        let mut newton = self.setting.newton(&self.setting.weights(u), &self.outputs(u));
        if let Some(pieces) = &self.pieces {
            pieces.project_columns(&self.setting, u, &mut newton);
        }
        newton
    }

    fn tangent(&self, _t: f64, u: &[f64]) -> Option<(Vec<f64>, Root)> {
        let root = match self.setting.loss.quadratic() {
            Some(_) => self.setting.loss.root(&self.setting.initial)?,
            None => self.setting.loss.root(&self.outputs(u))?,
        };
        Some((self.setting.weights(u), root))
    }

    fn low_rank(&self, _t: f64, u: &[f64]) -> Option<LowRank> {
        Some(Arc::new(vec![self.setting.block(&self.setting.weights(u), &self.outputs(u))]))
    }
}

/// ‖v‖ of a block, RMS-weighted tolerances: `tolerance` · `scale` in the Euclidean norm means this much per component.
#[allow(clippy::cast_precision_loss, reason = "a size")]
pub(crate) fn per_component(tolerance: f64, scale: f64, length: usize) -> f64 {
    tolerance * scale / (length as f64).sqrt()
}

/// Whether the flow does not move at all: J₀ᵀ∇R = 0 up to rounding.
pub(crate) fn is_stationary(setting: &Setting<'_>, largest_eigenvalue: f64) -> bool {
    let (n, p) = (setting.outputs(), setting.params());
    let (mut gradient, mut velocity) = (vec![0.0; n], vec![0.0; p]);
    setting.loss.gradient(&setting.initial, &mut gradient);
    setting.map.vjp(setting.start, &gradient, &mut velocity);
    let size = linalg::norm(&velocity);
    size.is_finite()
        && size <= 4.0 * f64::EPSILON * largest_eigenvalue.sqrt() * linalg::norm(&gradient)
}
