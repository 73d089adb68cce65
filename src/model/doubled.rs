//! Doubling: h(w, w') = g(w) − g(w'), started at w' = w (Chizat et al. 2019, §3.1).
//!
//! The output is zero at the start, exactly. Both halves train. Second-order terms cancel along the flow (to first
//! order u' = −u), so ‖y − ȳ‖ and the kernel's change fall as 1/α², one order faster than the theorems promise, while
//! ‖w − w̄‖ keeps 1/α² (compare [`Centred`](super::Centred)).

use super::kinks::{Kink, Kinked, Piece, Sparse};
use super::{Covector, Differentiable, Displacement, Seed, Shape, Structure};
use nalgebra::DMatrix;
use std::ops::Range;

/// (w, w') ↦ g(w) − g(w'), with 2p parameters.
#[derive(Debug, Clone)]
pub struct Doubled<H>(
    /// g.
    pub H,
);

impl<H: Differentiable> Doubled<H> {
    /// The start (w₀, w₀), of length 2p.
    pub fn start(half: &[f64]) -> Vec<f64> {
        [half, half].concat()
    }

    fn half(&self) -> usize {
        self.0.shape().params
    }
}

/// y ← f(first half) − f(second half).
fn difference(y: &mut [f64], mut f: impl FnMut(bool, &mut [f64])) {
    f(false, y);
    let mut other = vec![0.0; y.len()];
    f(true, &mut other);
    y.iter_mut().zip(&other).for_each(|(y, o)| *y -= o);
}

/// The gradient of f(w) − f'(w') from the gradients of both: both must have gone forward before either goes back.
fn difference_gradient(
    first: &mut dyn FnMut(Covector<'_>, &mut [f64]),
    second: &mut dyn FnMut(Covector<'_>, &mut [f64]),
    seed: Covector<'_>,
    [da, db]: [&mut [f64]; 2],
) {
    let mut outer = |y_a: &[f64], v: &mut [f64]| {
        let mut inner = |y_b: &[f64], minus: &mut [f64]| {
            // The inner covector holds the difference until its own value is known.
            minus.iter_mut().zip(y_a.iter().zip(y_b)).for_each(|(m, (a, b))| *m = a - b);
            seed(minus, v);
            minus.iter_mut().zip(v.iter()).for_each(|(m, v)| *m = -v);
        };
        second(&mut inner, db);
    };
    first(&mut outer, da);
}

fn negated(v: &[f64]) -> Vec<f64> {
    v.iter().map(|v| -v).collect()
}

impl<H: Differentiable> Differentiable for Doubled<H> {
    fn shape(&self) -> Shape {
        Shape { params: 2 * self.half(), outputs: self.0.shape().outputs }
    }

    fn value(&self, w: &[f64], y: &mut [f64]) {
        let (a, b) = w.split_at(self.half());
        difference(y, |second, y| self.0.value(if second { b } else { a }, y));
    }

    fn jvp(&self, w: &[f64], dw: &[f64], dy: &mut [f64]) {
        let ((a, b), (da, db)) = (w.split_at(self.half()), dw.split_at(self.half()));
        difference(
            dy,
            |second, dy| if second { self.0.jvp(b, db, dy) } else { self.0.jvp(a, da, dy) },
        );
    }

    fn vjp(&self, w: &[f64], dy: &[f64], dw: &mut [f64]) {
        let ((a, b), (da, db)) = (w.split_at(self.half()), dw.split_at_mut(self.half()));
        self.0.vjp(a, dy, da);
        self.0.vjp(b, &negated(dy), db);
    }

    fn gradient(&self, w: &[f64], seed: Covector<'_>, dw: &mut [f64]) {
        let ((a, b), (da, db)) = (w.split_at(self.half()), dw.split_at_mut(self.half()));
        difference_gradient(
            &mut |seed, dw| self.0.gradient(a, seed, dw),
            &mut |seed, dw| self.0.gradient(b, seed, dw),
            seed,
            [da, db],
        );
    }

    fn curvature(&self, w: &[f64], dy: &[f64], dw: &[f64], out: &mut [f64]) {
        let ((a, b), (da, db)) = (w.split_at(self.half()), dw.split_at(self.half()));
        let (out_a, out_b) = out.split_at_mut(self.half());
        self.0.curvature(a, dy, da, out_a);
        self.0.curvature(b, &negated(dy), db, out_b);
    }

    fn increment(
        &self,
        at: Displacement<'_>,
        seed: Seed<'_>,
        base: &mut [f64],
        change: &mut [f64],
    ) {
        let half = self.half();
        let (part_a, part_b) = (at.part(0..half), at.part(half..2 * half));
        let (base_a, base_b) = base.split_at_mut(half);
        let (change_a, change_b) = change.split_at_mut(half);
        // The second half's sweep nests inside the first's: both must have gone forward before either goes back.
        self.0.increment(
            part_a,
            &mut |first_a, rest_a, v0, v1| {
                self.0.increment(
                    part_b,
                    &mut |first_b, rest_b, w0, w1| {
                        let first: Vec<f64> =
                            first_a.iter().zip(first_b).map(|(a, b)| a - b).collect();
                        let rest: Vec<f64> =
                            rest_a.iter().zip(rest_b).map(|(a, b)| a - b).collect();
                        seed(&first, &rest, v0, v1);
                        w0.copy_from_slice(&negated(v0));
                        w1.copy_from_slice(&negated(v1));
                    },
                    base_b,
                    change_b,
                );
            },
            base_a,
            change_a,
        );
    }

    fn expand(&self, at: Displacement<'_>, first: &mut [f64], rest: &mut [f64]) {
        let (part_a, part_b) = (at.part(0..self.half()), at.part(self.half()..2 * self.half()));
        self.0.expand(part_a, first, rest);
        let (mut other_first, mut other_rest) = (vec![0.0; first.len()], vec![0.0; rest.len()]);
        self.0.expand(part_b, &mut other_first, &mut other_rest);
        first.iter_mut().zip(&other_first).for_each(|(a, b)| *a -= b);
        rest.iter_mut().zip(&other_rest).for_each(|(a, b)| *a -= b);
    }

    fn jacobian(&self, w: &[f64]) -> DMatrix<f64> {
        let Shape { params, outputs } = self.shape();
        let (a, b) = w.split_at(self.half());
        let mut jacobian = DMatrix::zeros(outputs, params);
        jacobian.columns_mut(0, self.half()).copy_from(&self.0.jacobian(a));
        jacobian.columns_mut(self.half(), self.half()).copy_from(&-self.0.jacobian(b));
        jacobian
    }

    fn kernel(&self, w: &[f64]) -> DMatrix<f64> {
        let (a, b) = w.split_at(self.half());
        if a == b { self.0.kernel(a) * 2.0 } else { self.0.kernel(a) + self.0.kernel(b) }
    }

    fn is_smooth(&self) -> bool {
        self.0.is_smooth()
    }
    fn is_linear(&self) -> bool {
        self.0.is_linear()
    }

    fn kinked(&self) -> Option<&dyn Kinked> {
        self.0.kinked().map(|_| self as &dyn Kinked)
    }

    fn structure(&self) -> Structure<'_> {
        Structure::Difference(&self.0)
    }
}

/// The first half's kinks, then the second's, whose neurons are numbered on.
impl<H: Differentiable> Kinked for Doubled<H> {
    fn kinks(&self) -> usize {
        2 * self.0.kinked().map_or(0, Kinked::kinks)
    }
    fn place(&self, k: usize) -> Option<Kink> {
        let map = self.0.kinked()?;
        let half = map.kinks();
        let place = map.place(k % half)?;
        let before = if k < half { 0 } else { map.width(place.layer) };
        Some(Kink { neuron: place.neuron + before, ..place })
    }
    fn width(&self, layer: usize) -> usize {
        2 * self.0.kinked().map_or(0, |map| map.width(layer))
    }
    fn rests(&self, k: usize) -> bool {
        self.0.kinked().is_some_and(|map| map.rests(k % map.kinks()))
    }
    fn piece<'a>(&'a self, on: &[bool]) -> Option<Box<dyn Piece + 'a>> {
        let (a, b) = on.split_at(on.len() / 2);
        let pieces = [self.0.kinked()?.piece(a)?, self.0.kinked()?.piece(b)?];
        Some(Box::new(Halves { pieces, kinks: a.len(), params: self.half() }))
    }
}

/// The pieces that both halves are on.
struct Halves<'a> {
    pieces: [Box<dyn Piece + 'a>; 2],
    kinks: usize,
    params: usize,
}

impl Halves<'_> {
    /// The half that kink `k` is in, that half's piece, and its number there.
    fn half(&self, k: usize) -> (usize, &dyn Piece, usize) {
        let half = k / self.kinks;
        (half, &*self.pieces[half], k % self.kinks)
    }

    fn weights<'a>(&self, half: usize, w: &'a [f64]) -> &'a [f64] {
        &w[half * self.params..][..self.params]
    }
}

impl Piece for Halves<'_> {
    fn turn(&mut self, k: usize, on: bool) {
        self.pieces[k / self.kinks].turn(k % self.kinks, on);
    }
    fn gradient(&self, w: &[f64], seed: Covector<'_>, dw: &mut [f64]) {
        let (a, b) = w.split_at(self.params);
        let (da, db) = dw.split_at_mut(self.params);
        let [first, second] = &self.pieces;
        difference_gradient(
            &mut |seed, dw| first.gradient(a, seed, dw),
            &mut |seed, dw| second.gradient(b, seed, dw),
            seed,
            [da, db],
        );
    }
    fn gradient_seen(&self, w: &[f64], seed: Covector<'_>, dw: &mut [f64], z: &mut [f64]) {
        let (a, b) = w.split_at(self.params);
        let (da, db) = dw.split_at_mut(self.params);
        let (za, zb) = z.split_at_mut(self.kinks);
        let [first, second] = &self.pieces;
        difference_gradient(
            &mut |seed, dw| first.gradient_seen(a, seed, dw, za),
            &mut |seed, dw| second.gradient_seen(b, seed, dw, zb),
            seed,
            [da, db],
        );
    }
    fn reach(&self, k: usize) -> Range<usize> {
        let (_, piece, k) = self.half(k);
        piece.reach(k)
    }
    fn local_value(&self, outputs: Range<usize>, w: &[f64], y: &mut [f64]) {
        difference(y, |second, y| {
            let half = usize::from(second);
            self.pieces[half].local_value(outputs.clone(), self.weights(half, w), y);
        });
    }
    fn local_gradient(&self, outputs: Range<usize>, w: &[f64], v: &[f64], dw: &mut [f64]) {
        let (a, b) = dw.split_at_mut(self.params);
        self.pieces[0].local_gradient(outputs.clone(), self.weights(0, w), v, a);
        self.pieces[1].local_gradient(outputs, self.weights(1, w), &negated(v), b);
    }
    fn arguments(&self, w: &[f64], z: &mut [f64]) {
        for (half, z) in z.chunks_mut(self.kinks).enumerate() {
            self.pieces[half].arguments(self.weights(half, w), z);
        }
    }
    fn argument(&self, k: usize, w: &[f64]) -> f64 {
        let (half, piece, k) = self.half(k);
        piece.argument(k, self.weights(half, w))
    }
    fn normal(&self, k: usize, w: &[f64]) -> Sparse {
        let (half, piece, k) = self.half(k);
        let Sparse(entries) = piece.normal(k, self.weights(half, w));
        Sparse(entries.into_iter().map(|(i, x)| (half * self.params + i, x)).collect())
    }
    fn is_normal_fixed(&self, k: usize) -> bool {
        let (_, piece, k) = self.half(k);
        piece.is_normal_fixed(k)
    }
    fn signal(&self, k: usize, w: &[f64], v: &[f64]) -> f64 {
        let (half, piece, k) = self.half(k);
        let signal = piece.signal(k, self.weights(half, w), v);
        if half == 0 { signal } else { -signal }
    }
}
