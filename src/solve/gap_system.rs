//! The gap as an ODE system, in e.

use super::eigen::ClosedForm;
use super::ode::{LowRank, System};
use super::piecewise::{Pieces, Switch};
use super::system::Setting;
use crate::flow::KinkLog;
use crate::linalg;
use crate::loss::Root;
use crate::model::{Buffers, Displacement};
use nalgebra::DMatrix;
use std::cell::{Cell, OnceCell, Ref, RefCell};
use std::sync::Arc;

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
    /// The piece the curved path is on, and whether kinks are followed.
    pieces: OnceCell<Pieces<'a>>,
    following: Cell<bool>,
    /// The closed form where it was last asked for: correctors come back to one time.
    remembered: RefCell<Straight>,
    /// What the last right-hand side saw.
    glimpse: Cell<Glimpse>,
    buffers: Buffers,
}

/// ū(t) and ȳ(t) of the closed form.
struct Straight {
    time: f64,
    displacement: Vec<f64>,
    outputs: Vec<f64>,
}

/// What a right-hand side sees in passing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Glimpse {
    /// ‖u‖, ‖e‖ and ‖s‖.
    pub(crate) norms: [f64; 3],
    /// d‖u‖/dt and d‖e‖/dt.
    pub(crate) slopes: [f64; 2],
    /// ‖ū‖.
    pub(crate) straight: f64,
    /// R(y).
    pub(crate) loss: f64,
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
        let remembered = Straight {
            time: f64::NAN,
            displacement: vec![0.0; setting.params()],
            outputs: vec![0.0; setting.outputs()],
        };
        let nothing = [f64::NAN; 3];
        GapSystem {
            setting,
            closed,
            carried: Cell::new(0.0),
            pieces: OnceCell::new(),
            following: Cell::new(false),
            remembered: RefCell::new(remembered),
            glimpse: Cell::new(Glimpse {
                norms: nothing,
                slopes: [f64::NAN; 2],
                straight: f64::NAN,
                loss: f64::NAN,
            }),
            buffers: Buffers::default(),
        }
    }
}

impl<'a> GapSystem<'a> {
    /// From here on kinks are followed, if the state is αu and the model's kinks can be followed; whether they are.
    ///
    /// Not those of functions that are no networks: where such a function slides with few parameters, αu strays from its
    /// kink by more than e, a small difference, allows.
    pub(crate) fn follow_kinks(&self) -> bool {
        let network = self.setting.map.structure().is_batched();
        let able = network && self.carried.get() != 0.0 && self.closed.is_some();
        if able && self.pieces.get().is_none() {
            let kinked = self.setting.map.kinked();
            let pieces = kinked.and_then(|kinked| Pieces::at(kinked, self.setting.start));
            if let Some(pieces) = pieces {
                // Nobody else sets it.
                let _ = self.pieces.set(pieces);
            }
        }
        self.following.set(able && self.pieces.get().is_some());
        self.following.get()
    }

    /// From here on they are not.
    pub(crate) fn ignore_kinks(&self) {
        self.following.set(false);
    }

    fn pieces(&self) -> Option<&Pieces<'a>> {
        self.pieces.get().filter(|_| self.following.get())
    }

    /// What the integrator must ask, from the start on.
    pub(crate) fn switching(&self) -> Option<Switch<'_, 'a>> {
        let pieces = self.pieces()?;
        pieces.restart(self.setting.start);
        Some(Switch { pieces, setting: &self.setting, scale: self.carried.get() })
    }

    /// Whether kinks are followed.
    pub(crate) fn follows_kinks(&self) -> bool {
        self.following.get()
    }

    /// What happened at kinks until `end`.
    pub(crate) fn kinks(&self, end: f64) -> Option<KinkLog> {
        self.pieces().map(|pieces| pieces.log(end))
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
            Some(closed) => self.remembered(closed, t).displacement.clone(),
            None => x[..self.setting.params()].to_vec(),
        }
    }

    fn remembered(&self, closed: &ClosedForm<'_>, t: f64) -> Ref<'_, Straight> {
        if self.remembered.borrow().time != t {
            let mut made = self.remembered.borrow_mut();
            let Straight { time, displacement, outputs } = &mut *made;
            *time = t;
            closed.displacement(t, displacement);
            closed.outputs(t, outputs);
        }
        self.remembered.borrow()
    }

    /// What the last right-hand side saw of its state.
    pub(crate) fn last_glimpse(&self) -> Glimpse {
        self.glimpse.get()
    }

    /// e, given ū(t) and the state.
    fn gap(&self, straight: &[f64], x: &[f64]) -> Vec<f64> {
        let mut gap = vec![0.0; self.setting.params()];
        self.write_gap(straight, x, &mut gap);
        gap
    }

    /// `gap` ← e, given ū(t) and the state.
    fn write_gap(&self, straight: &[f64], x: &[f64], gap: &mut [f64]) {
        let unknown = &x[(self.blocks() - 1) * self.setting.params()..];
        match self.carried.get() {
            0.0 => gap.copy_from_slice(unknown),
            carried => add_scaled(gap, unknown, -carried, straight),
        }
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
        match &self.closed {
            Some(closed) => self.remembered(closed, t).outputs.clone(),
            None => self.setting.initial.iter().zip(first).map(|(y0, f)| y0 + f).collect(),
        }
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

    /// u = ū + εe, or u' of ū' and e'.
    pub(crate) fn curved_from(&self, straight: &[f64], gap: &[f64]) -> Vec<f64> {
        straight.iter().zip(gap).map(|(u, e)| u + self.setting.eps * e).collect()
    }

    /// u.
    pub(crate) fn curved(&self, moment: &Moment) -> Vec<f64> {
        self.curved_from(&moment.straight, &moment.gap)
    }

    /// y = ȳ + εs.
    pub(crate) fn curved_outputs(&self, moment: &Moment) -> Vec<f64> {
        let pairs = moment.straight_outputs.iter().zip(&moment.outputs_gap);
        pairs.map(|(y, s)| y + self.setting.eps * s).collect()
    }

    /// ū' and e', of length p each.
    pub(crate) fn velocity(&self, t: f64, x: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let p = self.setting.params();
        let (mut base, mut change) = (vec![0.0; p], vec![0.0; p]);
        self.write_velocity(t, x, &mut base, &mut change);
        (base, change)
    }

    /// `base` ← ū', `change` ← e'.
    fn write_velocity(&self, t: f64, x: &[f64], base: &mut [f64], change: &mut [f64]) {
        let Setting { map, loss, eps, initial, .. } = &self.setting;
        let remembered = self.closed.as_ref().map(|closed| self.remembered(closed, t));
        let straight = match &remembered {
            Some(remembered) => &remembered.displacement[..],
            None => &x[..base.len()],
        };
        let [mut gap, mut u] = [(); 2].map(|()| self.buffers.take(base.len()));
        let mut y = self.buffers.take(self.setting.outputs());
        self.write_gap(straight, x, &mut gap);
        let (mut value, mut outputs_gap) = (f64::NAN, f64::NAN);
        let mut seed = |first: &[f64], rest: &[f64], v0: &mut [f64], v1: &mut [f64]| {
            match &remembered {
                Some(remembered) => y.copy_from_slice(&remembered.outputs),
                None => add_scaled(&mut y, initial, 1.0, first),
            }
            loss.gradient(&y, v0);
            loss.increment(&y, rest, *eps, v1);
            y.iter_mut().zip(rest).for_each(|(y, s)| *y += eps * s);
            (value, outputs_gap) = (loss.value(&y), linalg::norm(rest));
        };
        map.increment(self.displacement(straight, &gap), &mut seed, base, change);
        base.iter_mut().chain(change.iter_mut()).for_each(|v| *v = -*v);
        let mut u_velocity = self.buffers.take(base.len());
        add_scaled(&mut u, straight, *eps, &gap);
        add_scaled(&mut u_velocity, base, *eps, change);
        let (u, u_slope) = norm_and_slope(&u, &u_velocity);
        let (e, e_slope) = norm_and_slope(&gap, change);
        self.glimpse.set(Glimpse {
            norms: [u, e, outputs_gap],
            slopes: [u_slope, e_slope],
            straight: linalg::norm(straight),
            loss: value,
        });
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
        if let Some(pieces) = self.pieces() {
            let alpha = self.carried.get();
            let u: Vec<f64> = x.iter().map(|x| x / alpha).collect();
            pieces.velocity(&self.setting, &u, dx);
            dx.iter_mut().for_each(|d| *d *= alpha);
            return;
        }
        let p = self.setting.params();
        let (integrated, unknown) = dx.split_at_mut((self.blocks() - 1) * p);
        let mut known = self.buffers.take(p - integrated.len());
        let straight = if self.closed.is_some() { &mut known[..] } else { integrated };
        self.write_velocity(t, x, straight, unknown);
        let carried = self.carried.get();
        if carried != 0.0 {
            unknown.iter_mut().zip(&*straight).for_each(|(dx, u)| *dx += carried * u);
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
        let curved = self.curved_from(&straight, &gap);
        Some((self.setting.weights(&curved), self.setting.loss.root(&self.setting.initial)?))
    }

    fn low_rank(&self, t: f64, x: &[f64]) -> Option<LowRank> {
        Some(Arc::new(self.points(t, x).iter().map(|(w, y)| self.setting.block(w, y)).collect()))
    }
}

/// `out` ← a + c b.
fn add_scaled(out: &mut [f64], a: &[f64], c: f64, b: &[f64]) {
    out.iter_mut().zip(a.iter().zip(b)).for_each(|(out, (a, b))| *out = a + c * b);
}

/// ‖v‖ and d‖v‖/dt of a vector with that velocity.
fn norm_and_slope(v: &[f64], velocity: &[f64]) -> (f64, f64) {
    let norm = linalg::norm(v);
    (norm, if norm > 0.0 { linalg::dot(v, velocity) / norm } else { linalg::norm(velocity) })
}
