//! Pooling over squares that do not overlap: the largest number or the mean.
//!
//! The largest of several equal numbers is the first, row by row: on every number the running m ← m + relu(x − m), whose
//! derivative stays with m where x = m.

use super::group::GROUP;
use super::planes::{Planes, Signals};
use super::{Extent, Pooling};
use crate::linalg::vectorized;
use crate::scalar::Scalar;

#[derive(Debug, Clone)]
pub(super) struct Pool {
    pub(super) kind: Pooling,
    pub(super) input: Extent,
    pub(super) output: Extent,
    /// Rows and columns of a square.
    pub(super) side: (usize, usize),
}

/// The larger of `m` and a later `x`, on any number.
#[inline(always)]
pub(super) fn larger<S: Scalar>(m: S, x: S) -> S {
    m + (x - m).relu()
}

impl Pool {
    /// Pixels of a square.
    pub(super) fn pixels(&self) -> usize {
        self.side.0 * self.side.1
    }

    /// Place, in one sample of the input, of pixel `k` of the square of pixel `o` of the output.
    #[inline(always)]
    pub(super) fn place(&self, o: usize, k: usize) -> usize {
        let (row, column) = (o / self.output.width, o % self.output.width);
        // Channels follow each other: rows of the output count through them, as rows of the input do.
        let row = row * self.side.0 + k / self.side.1;
        row * self.input.width + column * self.side.1 + k % self.side.1
    }

    fn weight(&self) -> f64 {
        1.0 / self.pixels() as f64
    }

    /// `out` ← the pooled `a`.
    pub(super) fn forward(&self, out: &mut [f64], a: &[f64], samples: usize) {
        let (pixels, weight) = (self.pixels(), self.weight());
        vectorized(
            #[inline(always)]
            || {
                for (o, out) in out.chunks_exact_mut(samples).enumerate() {
                    out.copy_from_slice(self.pixel(a, o, 0, samples));
                    for k in 1..pixels {
                        let pairs = out.iter_mut().zip(self.pixel(a, o, k, samples));
                        match self.kind {
                            // Not `max`, which would swallow a NaN.
                            Pooling::Max => {
                                pairs.for_each(|(m, x)| *m = if *x <= *m { *m } else { *x });
                            }
                            Pooling::Average => pairs.for_each(|(m, x)| *m += x),
                        }
                    }
                    if self.kind == Pooling::Average {
                        out.iter_mut().for_each(|m| *m *= weight);
                    }
                }
            },
        );
    }

    /// `out` ← the change of the pooled `a`, which is `made`, with `da`.
    pub(super) fn tangent(
        &self,
        out: &mut [f64],
        [made, a]: [&[f64]; 2],
        da: &[f64],
        samples: usize,
    ) {
        if self.kind == Pooling::Average {
            return self.forward(out, da, samples);
        }
        out.fill(0.0);
        self.meet_winners([made, a], samples, |o, k, won| {
            let rows = out[o * samples..].iter_mut().zip(self.pixel(da, o, k, samples));
            for ((out, da), won) in rows.zip(won) {
                *out += if *won > 0.0 { *da } else { 0.0 };
            }
        });
    }

    /// `h` ← the adjoint of [`Pool::tangent`] on `g`, or `h` + that where `add`.
    pub(super) fn backward(
        &self,
        add: bool,
        h: &mut [f64],
        g: &[f64],
        [made, a]: [&[f64]; 2],
        samples: usize,
    ) {
        if !add {
            h.fill(0.0);
        }
        if self.kind == Pooling::Max {
            return self.meet_winners([made, a], samples, |o, k, won| {
                let h = &mut h[self.place(o, k) * samples..][..samples];
                for ((h, g), won) in h.iter_mut().zip(&g[o * samples..]).zip(won) {
                    *h += if *won > 0.0 { *g } else { 0.0 };
                }
            });
        }
        let (pixels, weight) = (self.pixels(), self.weight());
        for (o, g) in g.chunks_exact(samples).enumerate() {
            for k in 0..pixels {
                let h = &mut h[self.place(o, k) * samples..][..samples];
                h.iter_mut().zip(g).for_each(|(h, g)| *h += weight * g);
            }
        }
    }

    /// For each pixel `o` of the output `made` and each pixel `k` of its square: 1 for the samples where it is the
    /// first that is as large as the pooled number, else 0.
    fn meet_winners(
        &self,
        [made, a]: [&[f64]; 2],
        samples: usize,
        mut meet: impl FnMut(usize, usize, &[f64]),
    ) {
        let pixels = self.pixels();
        vectorized(
            #[inline(always)]
            || {
                for (o, made) in made.chunks_exact(samples).enumerate() {
                    let (mut open, mut won) = ([1.0; GROUP], [0.0; GROUP]);
                    for k in 0..pixels {
                        let a = self.pixel(a, o, k, samples);
                        let pairs = won.iter_mut().zip(&mut open).zip(a.iter().zip(made));
                        for ((won, open), (a, made)) in pairs {
                            *won = if a == made { *open } else { 0.0 };
                            *open -= *won;
                        }
                        meet(o, k, &won[..samples]);
                    }
                }
            },
        );
    }

    /// All samples of pixel `k` of a square.
    #[inline(always)]
    fn pixel<'a>(&self, a: &'a [f64], o: usize, k: usize, samples: usize) -> &'a [f64] {
        &a[self.place(o, k) * samples..][..samples]
    }

    /// Place in the group of the first largest number of a square.
    fn winner(&self, a: &[f64], o: usize, t: usize, samples: usize) -> usize {
        let mut best = self.place(o, 0) * samples + t;
        for k in 1..self.pixels() {
            let other = self.place(o, k) * samples + t;
            if a[other] > a[best] {
                best = other;
            }
        }
        best
    }

    /// The same of the moved numbers, seen from the first largest one at rest, so that nothing cancels: the place, and
    /// by how much (≥ 0) its number is larger than that of `rest`.
    fn moved_winner(
        &self,
        a: Planes<'_>,
        eps: f64,
        (o, t): (usize, usize),
        rest: usize,
        samples: usize,
    ) -> (usize, f64) {
        let change = |i: usize| a.first[i] + eps * a.rest[i];
        let mut best = (rest, 0.0);
        for k in 0..self.pixels() {
            let other = self.place(o, k) * samples + t;
            let lead = (a.base[other] - a.base[rest]) + eps * (change(other) - change(rest));
            if other != rest && lead > best.1 {
                best = (other, lead);
            }
        }
        best
    }

    /// [`Pool::forward`] on increments.
    pub(super) fn advance(&self, out: [&mut [f64]; 2], a: Planes<'_>, eps: f64, samples: usize) {
        let [first, rest] = out;
        if self.kind == Pooling::Average {
            self.forward(first, a.first, samples);
            return self.forward(rest, a.rest, samples);
        }
        for (i, (first, rest)) in first.iter_mut().zip(rest).enumerate() {
            let (o, t) = (i / samples, i % samples);
            let start = self.winner(a.base, o, t, samples);
            let (_, lead) = self.moved_winner(a, eps, (o, t), start, samples);
            *first = a.first[start];
            *rest = a.rest[start] + if lead == 0.0 { 0.0 } else { lead / eps / eps };
        }
    }

    /// [`Pool::backward`] on increments: base and change.
    pub(super) fn retreat(
        &self,
        add: bool,
        [h0, hd]: [&mut [f64]; 2],
        g: Signals<'_>,
        a: Planes<'_>,
        eps: f64,
        samples: usize,
    ) {
        if self.kind == Pooling::Average {
            // Linear: what was made is not asked for.
            self.backward(add, h0, g.base, [&[]; 2], samples);
            return self.backward(add, hd, g.change, [&[]; 2], samples);
        }
        if !add {
            h0.fill(0.0);
            hd.fill(0.0);
        }
        for (i, (base, change)) in g.base.iter().zip(g.change).enumerate() {
            let (o, t) = (i / samples, i % samples);
            let start = self.winner(a.base, o, t, samples);
            let (end, _) = self.moved_winner(a, eps, (o, t), start, samples);
            h0[start] += base;
            if start == end {
                hd[start] += change;
            } else {
                hd[start] -= base / eps;
                hd[end] += (base + eps * change) / eps;
            }
        }
    }
}
