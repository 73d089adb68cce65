//! Rectifiers: max(z, 0) + a min(z, 0) with a = 0 (relu) or a trained slope per channel (He et al. 2015).
//!
//! Written as r + a (z − r), r = relu z, on every number: the slope at 0 is a, and ∂/∂a is 0 for z > 0, else z.

use super::Extent;
use super::planes::{Moved, Planes, Signals};
use crate::linalg::vectorized;
use crate::scalar::{Increment, Scalar};
use std::ops::Range;

#[derive(Debug, Clone)]
pub(super) struct Rectifier {
    pub(super) extent: Extent,
    /// Place of the slopes, where they are trained.
    pub(super) slopes: Option<Range<usize>>,
}

/// The rectifier on any number.
#[inline(always)]
pub(super) fn rectified<S: Scalar>(z: S, a: S) -> S {
    let r = z.relu();
    r + a * (z - r)
}

impl Rectifier {
    /// The slope of a channel below 0 in weights `w`.
    pub(super) fn slope(&self, w: &[f64], channel: usize) -> f64 {
        self.slopes.as_ref().map_or(0.0, |slopes| w[slopes.start + channel])
    }

    /// Numbers of a channel.
    fn row(&self, samples: usize) -> usize {
        self.extent.area() * samples
    }

    /// `out` ← the rectified `z`.
    pub(super) fn forward(&self, out: &mut [f64], z: &[f64], w: &[f64], samples: usize) {
        let row = self.row(samples);
        for (channel, (out, z)) in out.chunks_exact_mut(row).zip(z.chunks_exact(row)).enumerate() {
            let a = self.slope(w, channel);
            vectorized(
                #[inline(always)]
                || out.iter_mut().zip(z).for_each(|(out, z)| *out = rectified(*z, a)),
            );
        }
    }

    /// `out` ← its change with `dz` and `dw`.
    pub(super) fn tangent(
        &self,
        out: &mut [f64],
        z: &[f64],
        dz: &[f64],
        [w, dw]: [&[f64]; 2],
        samples: usize,
    ) {
        let row = self.row(samples);
        let rows = out.chunks_exact_mut(row).zip(z.chunks_exact(row)).zip(dz.chunks_exact(row));
        for (channel, ((out, z), dz)) in rows.enumerate() {
            let (a, da) = (self.slope(w, channel), self.slope(dw, channel));
            vectorized(
                #[inline(always)]
                || {
                    for ((out, z), dz) in out.iter_mut().zip(z).zip(dz) {
                        *out = slope_at(*z, a) * dz + da * (z - z.relu());
                    }
                },
            );
        }
    }

    /// `h` ← slope ∘ `g`, or `h` + that where `add`.
    pub(super) fn backward(
        &self,
        add: bool,
        h: &mut [f64],
        g: &[f64],
        z: &[f64],
        w: &[f64],
        samples: usize,
    ) {
        let row = self.row(samples);
        let rows = h.chunks_exact_mut(row).zip(g.chunks_exact(row)).zip(z.chunks_exact(row));
        for (channel, ((h, g), z)) in rows.enumerate() {
            let a = self.slope(w, channel);
            vectorized(
                #[inline(always)]
                || {
                    let signals = h.iter_mut().zip(g).zip(z);
                    if add {
                        signals.for_each(|((h, g), z)| *h += slope_at(*z, a) * g);
                    } else {
                        signals.for_each(|((h, g), z)| *h = slope_at(*z, a) * g);
                    }
                },
            );
        }
    }

    /// `dw` at the place of the slopes, + Σ `g` min(`z`, 0) over each channel.
    pub(super) fn add_gradient(&self, dw: &mut [f64], g: &[f64], z: &[f64], samples: usize) {
        let Some(slopes) = &self.slopes else { return };
        let row = self.row(samples);
        let rows = g.chunks_exact(row).zip(z.chunks_exact(row));
        for (da, (g, z)) in dw[slopes.clone()].iter_mut().zip(rows) {
            *da += g.iter().zip(z).map(|(g, z)| g * (z - z.relu())).sum::<f64>();
        }
    }

    /// a of a channel as an increment.
    fn moved_slope(&self, weights: &Moved<'_>, channel: usize) -> Increment {
        match &self.slopes {
            None => Increment::from(0.0),
            Some(slopes) => {
                let (i, at) = (slopes.start + channel, weights.at);
                Increment::new(at.start[i], at.first[i], at.rest[i], at.eps)
            }
        }
    }

    /// [`Rectifier::forward`] on increments.
    pub(super) fn advance(
        &self,
        out: [&mut [f64]; 2],
        z: Planes<'_>,
        weights: &Moved<'_>,
        samples: usize,
    ) {
        let row = self.row(samples);
        let [first, rest] = out;
        for (i, (first, rest)) in first.iter_mut().zip(rest).enumerate() {
            let y = rectified(z.at(i, weights.at.eps), self.moved_slope(weights, i / row));
            (*first, *rest) = (y.first, y.rest);
        }
    }

    /// [`Rectifier::backward`] and [`Rectifier::add_gradient`] on increments: base and change of each.
    pub(super) fn retreat(
        &self,
        add: bool,
        h: [&mut [f64]; 2],
        g: Signals<'_>,
        z: Planes<'_>,
        (weights, samples): (&Moved<'_>, usize),
        [base, change]: [&mut [f64]; 2],
    ) {
        let (row, one) = (self.row(samples), Increment::from(1.0));
        let [h0, hd] = h;
        for (i, (h0, hd)) in h0.iter_mut().zip(hd).enumerate() {
            let (z, g) = (z.at(i, weights.at.eps), g.at(i, weights.at.eps));
            let (step, a) = (z.step(), self.moved_slope(weights, i / row));
            let signal = (step + a * (one - step)) * g;
            if add {
                *h0 += signal.base;
                *hd += signal.change();
            } else {
                (*h0, *hd) = (signal.base, signal.change());
            }
            if let Some(slopes) = &self.slopes {
                let part = g * (z - z.relu());
                base[slopes.start + i / row] += part.base;
                change[slopes.start + i / row] += part.change();
            }
        }
    }
}

/// 1 for z > 0, else a.
#[inline(always)]
fn slope_at(z: f64, a: f64) -> f64 {
    let step = z.step();
    step + a * (1.0 - step)
}
