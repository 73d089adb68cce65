//! The equations of motion as ODE systems: the flow in u, and the gap in e.

use super::eigen::ClosedForm;
use super::ode::{Block, LowRank, System};
use super::piecewise::{Pieces, Switch};
use crate::flow::KinkLog;
use crate::linalg::{self, column_major, column_major_mut, gemm};
use crate::loss::{Loss, Root};
use crate::model::{Differentiable, Displacement};
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
    fn block(&self, w: &[f64], y: &[f64]) -> Block {
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
    fn newton(&self, w: &[f64], y: &[f64]) -> DMatrix<f64> {
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
        self.start.iter().zip(u).map(|(w0, u)| w0 + self.eps * u).collect()
    }

    /// α h(w₀) + first + ε rest.
    fn total(&self, first: &[f64], rest: &[f64]) -> Vec<f64> {
        (0..first.len()).map(|i| self.initial[i] + first[i] + self.eps * rest[i]).collect()
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
}

impl<'a> CurvedSystem<'a> {
    pub(crate) fn new(setting: Setting<'a>, plainly: bool) -> Self {
        CurvedSystem {
            zeros: vec![0.0; setting.params()],
            plainly,
            loss: Cell::new(f64::NAN),
            pieces: None,
            setting,
        }
    }

    /// Follows kinks, if the model has kinks that can be followed.
    pub(crate) fn follow_kinks(&mut self) {
        let kinked = self.setting.map.kinked();
        self.pieces = kinked.and_then(|kinked| Pieces::at(kinked, self.setting.start));
    }

    /// What the integrator must ask.
    pub(crate) fn switching(&self) -> Option<Switch<'_, 'a>> {
        let pieces = self.pieces.as_ref()?;
        Some(Switch { pieces, setting: &self.setting })
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
        if self.plainly {
            let mut seed = |h: &[f64], v: &mut [f64]| {
                let y: Vec<f64> = h.iter().map(|h| h / eps).collect();
                self.loss.set(loss.value(&y));
                loss.gradient(&y, v);
                v.iter_mut().for_each(|v| *v = -*v);
            };
            return map.gradient(&self.setting.weights(u), &mut seed, du);
        }
        let mut change = vec![0.0; du.len()];
        let mut seed = |first: &[f64], rest: &[f64], v0: &mut [f64], v1: &mut [f64]| {
            let y = self.setting.total(first, rest);
            self.loss.set(loss.value(&y));
            loss.gradient(&y, v0);
            v1.fill(0.0);
        };
        map.increment(self.at(u), &mut seed, du, &mut change);
        du.iter_mut().zip(&change).for_each(|(d, c)| *d = -(*d + eps * c));
    }

    fn jacobian(&self, _t: f64, u: &[f64]) -> DMatrix<f64> {
        self.setting.newton(&self.setting.weights(u), &self.outputs(u))
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

/// The gap e = α (u − ū) as its own unknown: e' = −Gᵀ(∇R(ȳ) + εq) − J₀ᵀq, in which nothing cancels.
///
/// With weights w₀ + εū + ε²e as increments, one sweep forward gives J₀ū and the scaled output gap
/// s = (y − ȳ)/ε = J₀e + ρ, and the sweep back on ∇R(ȳ) + εq gives −e' as its scaled change. Under a square loss ū is
/// known in closed form and the state is e; otherwise ū is integrated beside it, and the state is (ū, e).
///
/// Where a model has kinks the state is αu = αū + e in e's place: a unit that died at its kink then has velocity zero
/// and stays dead, while e would have to follow −αū exactly for it not to flicker. At the α where that is done the
/// subtraction costs no digit that the tolerance asks for ([`GapSystem::hold_still`]).
pub(crate) struct GapSystem<'a> {
    pub(crate) setting: Setting<'a>,
    pub(crate) closed: Option<ClosedForm<'a>>,
    /// α where the state is αu, 0 where it is e.
    carried: Cell<f64>,
}

/// The state at one time, unpacked.
#[derive(Clone)]
pub(crate) struct Moment {
    /// ū and e, of length p.
    pub(crate) straight: Vec<f64>,
    pub(crate) gap: Vec<f64>,
    /// ȳ and s = (y − ȳ)/ε, of length N.
    pub(crate) straight_outputs: Vec<f64>,
    pub(crate) outputs_gap: Vec<f64>,
}

impl<'a> GapSystem<'a> {
    /// With e as the unknown.
    pub(crate) fn new(setting: Setting<'a>, closed: Option<ClosedForm<'a>>) -> Self {
        GapSystem { setting, closed, carried: Cell::new(0.0) }
    }
}

impl GapSystem<'_> {
    /// Blocks of length p in the state: e, or ū and e.
    pub(crate) fn blocks(&self) -> usize {
        if self.closed.is_some() { 1 } else { 2 }
    }

    /// ū(t).
    pub(crate) fn straight(&self, t: f64, x: &[f64]) -> Vec<f64> {
        match &self.closed {
            Some(closed) => {
                let mut u = vec![0.0; self.setting.params()];
                closed.displacement(t, &mut u);
                u
            }
            None => x[..self.setting.params()].to_vec(),
        }
    }

    /// e, given ū(t) and the state.
    fn gap(&self, straight: &[f64], x: &[f64]) -> Vec<f64> {
        let unknown = &x[(self.blocks() - 1) * self.setting.params()..];
        let carried = self.carried.get();
        if carried == 0.0 {
            return unknown.to_vec();
        }
        unknown.iter().zip(straight).map(|(x, u)| x - carried * u).collect()
    }

    /// e at time t.
    pub(crate) fn gap_at(&self, t: f64, x: &[f64]) -> Vec<f64> {
        if self.carried.get() == 0.0 { self.gap(&[], x) } else { self.gap(&self.straight(t, x), x) }
    }

    /// From here on the state is αu, if the model has kinks and rounding in αu stays below `tolerance` times e.
    pub(crate) fn hold_still(&self, tolerance: f64) {
        let alpha = self.setting.eps.recip();
        if !self.setting.map.is_smooth() && 1e-14 * alpha <= tolerance {
            self.carried.set(alpha);
        }
    }

    /// ȳ(t), given J₀ū.
    fn straight_outputs(&self, t: f64, first: &[f64]) -> Vec<f64> {
        let mut y: Vec<f64> =
            self.setting.initial.iter().zip(first).map(|(y0, f)| y0 + f).collect();
        if let Some(closed) = &self.closed {
            closed.outputs(t, &mut y);
        }
        y
    }

    /// Everything at time t.
    pub(crate) fn moment(&self, t: f64, x: &[f64]) -> Moment {
        let straight = self.straight(t, x);
        let gap = self.gap(&straight, x);
        let n = self.setting.outputs();
        let (mut first, mut outputs_gap) = (vec![0.0; n], vec![0.0; n]);
        self.setting.map.expand(self.displacement(&straight, &gap), &mut first, &mut outputs_gap);
        Moment { straight_outputs: self.straight_outputs(t, &first), straight, gap, outputs_gap }
    }

    /// u = ū + εe.
    pub(crate) fn curved(&self, moment: &Moment) -> Vec<f64> {
        moment.straight.iter().zip(&moment.gap).map(|(u, e)| u + self.setting.eps * e).collect()
    }

    /// y = ȳ + εs.
    pub(crate) fn curved_outputs(&self, moment: &Moment) -> Vec<f64> {
        let pairs = moment.straight_outputs.iter().zip(&moment.outputs_gap);
        pairs.map(|(y, s)| y + self.setting.eps * s).collect()
    }

    /// ū' and e', of length p each.
    pub(crate) fn velocity(&self, t: f64, x: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let p = self.setting.params();
        let straight = self.straight(t, x);
        let gap = self.gap(&straight, x);
        let (mut base, mut change) = (vec![0.0; p], vec![0.0; p]);
        let Setting { map, loss, eps, .. } = &self.setting;
        let mut seed = |first: &[f64], rest: &[f64], v0: &mut [f64], v1: &mut [f64]| {
            let y = self.straight_outputs(t, first);
            loss.gradient(&y, v0);
            loss.increment(&y, rest, *eps, v1);
        };
        map.increment(self.displacement(&straight, &gap), &mut seed, &mut base, &mut change);
        base.iter_mut().chain(change.iter_mut()).for_each(|v| *v = -*v);
        (base, change)
    }

    fn displacement<'b>(&'b self, straight: &'b [f64], gap: &'b [f64]) -> Displacement<'b> {
        Displacement {
            start: self.setting.start,
            first: straight,
            rest: gap,
            eps: self.setting.eps,
        }
    }

    /// Weights and outputs at which Newton's matrix of each block is taken.
    fn points(&self, t: f64, x: &[f64]) -> Vec<(Vec<f64>, Vec<f64>)> {
        let moment = self.moment(t, x);
        let curved = (self.setting.weights(&self.curved(&moment)), self.curved_outputs(&moment));
        let straight = (self.setting.start.to_vec(), moment.straight_outputs);
        if self.closed.is_some() { vec![curved] } else { vec![straight, curved] }
    }
}

impl System for GapSystem<'_> {
    fn dim(&self) -> usize {
        self.blocks() * self.setting.params()
    }

    fn rhs(&self, t: f64, x: &[f64], dx: &mut [f64]) {
        let (straight, gap) = self.velocity(t, x);
        let p = straight.len();
        if self.closed.is_none() {
            dx[..p].copy_from_slice(&straight);
        }
        let carried = self.carried.get();
        let unknown = &mut dx[(self.blocks() - 1) * p..];
        for ((dx, e), u) in unknown.iter_mut().zip(&gap).zip(&straight) {
            *dx = e + carried * u;
        }
    }

    /// Block-diagonal: that e' depends on ū too leaves Newton's iteration matrix nilpotent, at the cost of one
    /// iteration.
    fn jacobian(&self, t: f64, x: &[f64]) -> DMatrix<f64> {
        let p = self.setting.params();
        let mut out = DMatrix::zeros(self.dim(), self.dim());
        for (i, (w, y)) in self.points(t, x).iter().enumerate() {
            out.view_mut((i * p, i * p), (p, p)).copy_from(&self.setting.newton(w, y));
        }
        out
    }

    fn tangent(&self, t: f64, x: &[f64]) -> Option<(Vec<f64>, Root)> {
        self.closed.as_ref()?;
        let straight = self.straight(t, x);
        let gap = self.gap(&straight, x);
        let curved: Vec<f64> =
            straight.iter().zip(&gap).map(|(u, e)| u + self.setting.eps * e).collect();
        Some((self.setting.weights(&curved), self.setting.loss.root(&self.setting.initial)?))
    }

    fn low_rank(&self, t: f64, x: &[f64]) -> Option<LowRank> {
        Some(Arc::new(self.points(t, x).iter().map(|(w, y)| self.setting.block(w, y)).collect()))
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
