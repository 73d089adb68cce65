//! What a multistep method remembers, and the combinations it makes of it.
//!
//! The flow x' = f(t, x) is split as x' = −L (x − xₙ) + g(t) with g = f + L (x − xₙ), and g is replaced by a polynomial
//! `Σ_q` σ^q `G_q`, σ = (t − tₙ)/h, through past values. Then exactly
//!
//! ```text
//! x(tₙ + h) = xₙ + h Σ_q q! φ_{q+1}(−hL) G_q.
//! ```

use super::phi::Weights;
use super::polynomial::{MOST, Nodes};
use super::tangent::Tangent;
use crate::linalg::{dot, vectorized};

/// Numbers of a long vector that are worked on at a time, while they are in cache.
const STRETCH: usize = 512;

/// A value of f. Images are `UᵀJ` of what they are images of.
#[derive(Debug, Clone, Default)]
pub(super) struct Value {
    pub(super) time: f64,
    /// f, of length p, and its image.
    pub(super) f: Vec<f64>,
    pub(super) f_image: Vec<f64>,
    /// The x that f was taken at, and its image.
    pub(super) x: Vec<f64>,
    pub(super) x_image: Vec<f64>,
    /// What is remembered with f where kinks are followed (`Switching::note`), else nothing.
    pub(super) note: Vec<f64>,
}

impl Value {
    /// Adds `share` times another value to this one, whose time stays.
    pub(super) fn add(&mut self, share: f64, other: &Value) {
        add(&mut self.f, share, &other.f);
        add(&mut self.f_image, share, &other.f_image);
        add(&mut self.x, share, &other.x);
        add(&mut self.x_image, share, &other.x_image);
        add(&mut self.note, share, &other.note);
    }
}

/// A displacement Σⱼ βⱼ fⱼ + `JᵀU` a, and its image.
#[derive(Debug, Clone)]
pub(super) struct Motion {
    pub(super) combination: Vec<f64>,
    pub(super) lifted: Vec<f64>,
    pub(super) image: Vec<f64>,
}

impl Default for Motion {
    /// With room for as many values as there can be.
    fn default() -> Self {
        let combination = Vec::with_capacity(MOST);
        Motion { combination, lifted: Vec::new(), image: Vec::new() }
    }
}

/// Values from the newest on, as seen from a step that begins where the state has a given image: what a step makes of
/// them without their long vectors. Used again from step to step.
#[derive(Debug, Default)]
pub(super) struct View {
    nodes: Nodes,
    length: f64,
    /// Divided differences over the nodes 0 to m of the images of g = f + L (x − xₙ), a row for every m.
    images: Vec<f64>,
    modes: usize,
    /// Working memory: a row, and three stretches.
    scratch: Vec<f64>,
    sums: Vec<f64>,
}

impl View {
    /// Looks at the values, of which those that are used at all are the first [`MOST`]; nodes in units of the step.
    pub(super) fn look<'v>(
        &mut self,
        values: impl Iterator<Item = &'v Value> + Clone,
        (begin, length): (f64, f64),
        x_image: &[f64],
        rates: &[f64],
    ) {
        self.nodes.set(values.clone().map(|v| (v.time - begin) / length));
        (self.length, self.modes) = (length, rates.len());
        self.images.resize(MOST * self.modes, 0.0);
        self.scratch.resize(self.modes, 0.0);
        let count = self.nodes.count();
        for (value, row) in values.zip(self.images.chunks_exact_mut(self.modes.max(1))).take(count)
        {
            image_of_g(value, x_image, rates, row);
        }
        for order in 1..count {
            for m in (order..count).rev() {
                let apart = self.nodes.time(m) - self.nodes.time(m - order);
                let (before, row) = self.images[(m - 1) * self.modes..].split_at_mut(self.modes);
                let inverse = apart.recip();
                let pairs = row[..self.modes].iter_mut().zip(before);
                pairs.for_each(|(row, before)| *row = (*row - *before) * inverse);
            }
        }
    }

    /// Looks at `value` and behind it at what `older` sees, for a step of the same length.
    pub(super) fn look_before(
        &mut self,
        older: &View,
        value: &Value,
        node: f64,
        x_image: &[f64],
        rates: &[f64],
    ) {
        let older_times = (0..older.nodes.count()).map(|m| older.nodes.time(m));
        self.nodes.set(std::iter::once(node).chain(older_times));
        (self.length, self.modes) = (older.length, older.modes);
        self.images.resize(MOST * self.modes, 0.0);
        self.scratch.resize(self.modes, 0.0);
        let (first, rest) = self.images.split_at_mut(self.modes);
        image_of_g(value, x_image, rates, first);
        let mut before = &*first;
        for (m, row) in (1..self.nodes.count()).zip(rest.chunks_exact_mut(self.modes.max(1))) {
            let inverse = (self.nodes.time(m) - node).recip();
            let old = &older.images[(m - 1) * self.modes..][..self.modes];
            for ((row, old), before) in row.iter_mut().zip(old).zip(before) {
                *row = (old - before) * inverse;
            }
            before = row;
        }
    }

    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        self.nodes.count()
    }

    /// `D_m` of the images of g.
    fn image(&self, m: usize) -> &[f64] {
        &self.images[m * self.modes..][..self.modes]
    }

    /// Over the whole step, with the polynomial through the newest `count` of `values`, the ones looked at.
    pub(super) fn motion<'v>(
        &mut self,
        values: impl Iterator<Item = &'v Value>,
        count: usize,
        weights: &Weights,
        x_image: &[f64],
        motion: &mut Motion,
    ) {
        let Motion { combination, lifted, image } = motion;
        combination.clear();
        combination.resize(count, 0.0);
        for m in 0..count {
            let still = self.length * integral(self.nodes.basis(m));
            combination.iter_mut().zip(self.nodes.difference(m)).for_each(|(b, d)| *b += still * d);
        }
        for vector in [&mut *image, &mut *lifted] {
            vector.clear();
            vector.resize(self.modes, 0.0);
        }
        let h = self.length;
        for q in 0..count {
            let mut g = std::mem::take(&mut self.scratch);
            g.fill(0.0);
            (q..count).for_each(|m| add(&mut g, self.nodes.basis(m)[q], self.image(m)));
            let pairs = weights.moved(q).iter().zip(weights.lifted(q));
            for (((image, lifted), g), (moved, lift)) in
                image.iter_mut().zip(&mut *lifted).zip(&g).zip(pairs)
            {
                *image += h * moved * g;
                *lifted -= h * h * lift * g;
            }
            self.scratch = g;
        }
        for (beta, value) in combination.iter().zip(values) {
            for ((lifted, x), now) in lifted.iter_mut().zip(&value.x_image).zip(x_image) {
                *lifted += beta * (x - now);
            }
        }
    }

    /// How far a step through the newest `degree` + 1 values moves from the one whose polynomial leaves out the oldest
    /// of them, for each of `degrees`; and, for the one in the middle, from the one that leaves out the newest. `None`
    /// for a degree that is; good to a hundredth of `tolerance`.
    pub(super) fn differences<'v>(
        &mut self,
        values: impl Iterator<Item = &'v Value> + Clone,
        degrees: [Option<usize>; 3],
        weights: &Weights,
        tangent: &Tangent<'_>,
        tolerance: f64,
    ) -> ([Option<f64>; 3], f64) {
        let rows = degrees.map(|degree| degree.map_or(&[][..], |m| self.nodes.difference(m)));
        self.sums.resize(3 * STRETCH, 0.0);
        let squares = if tangent.sees_all() {
            [0.0; 3]
        } else {
            squares_of_sums(rows, values.clone(), &mut self.sums)
        };
        let mut newest_left_out = 0.0;
        let mut found = [None; 3];
        for (i, (degree, square)) in degrees.into_iter().zip(squares).enumerate() {
            let Some(m) = degree else { continue };
            let mut f_image = std::mem::take(&mut self.scratch);
            let weighted = || self.nodes.difference(m).iter().zip(values.clone());
            f_image.fill(0.0);
            weighted().for_each(|(d, value)| add(&mut f_image, *d, &value.f_image));
            let older = self.nodes.basis_of_older(m);
            let bases = [self.nodes.basis(m), &older[..=m]];
            let still = bases.map(|basis| self.length * integral(basis));
            let both = i == 1;
            let largest = if both { still[0].abs().max(still[1].abs()) } else { still[0].abs() };
            let unseen = tangent.unseen(square, &f_image, 0.01 * tolerance / largest, &|f| {
                add_sum(f, self.nodes.difference(m), values.clone());
            });
            let after = &mut f_image;
            let mut size = |k: usize| {
                after.fill(0.0);
                for (q, c) in bases[k].iter().enumerate() {
                    add(after, self.length * c, weights.moved(q));
                }
                after.iter_mut().zip(self.image(m)).for_each(|(a, g)| *a *= g);
                (still[k] * still[k] * unseen + tangent.seen(after)).sqrt()
            };
            found[i] = Some(size(0));
            if both {
                newest_left_out = size(1);
            }
            self.scratch = f_image;
        }
        (found, newest_left_out)
    }
}

/// ∫₀¹ of the polynomial with these coefficients.
fn integral(coefficients: &[f64]) -> f64 {
    coefficients.iter().enumerate().map(|(q, c)| c / power(q + 1)).sum()
}

/// `sum` += c v.
fn add(sum: &mut [f64], c: f64, v: &[f64]) {
    sum.iter_mut().zip(v).for_each(|(s, v)| *s += c * v);
}

/// `x` += Σⱼ βⱼ fⱼ, stretch by stretch.
pub(super) fn add_sum<'v>(
    x: &mut [f64],
    combination: &[f64],
    values: impl Iterator<Item = &'v Value> + Clone,
) {
    vectorized(
        #[inline(always)]
        || {
            for (i, x) in x.chunks_mut(STRETCH).enumerate() {
                for (beta, value) in combination.iter().zip(values.clone()) {
                    let f = &value.f[i * STRETCH..][..x.len()];
                    x.iter_mut().zip(f).for_each(|(x, f)| *x += beta * f);
                }
            }
        },
    );
}

/// ‖Σⱼ cⱼ fⱼ‖² for each row of coefficients, with every fⱼ read once; `sums` has room for a stretch of each.
fn squares_of_sums<'v>(
    rows: [&[f64]; 3],
    values: impl Iterator<Item = &'v Value> + Clone,
    sums: &mut [f64],
) -> [f64; 3] {
    let len = values.clone().next().map_or(0, |value| value.f.len());
    let mut squares = [0.0; 3];
    vectorized(
        #[inline(always)]
        || {
            for begin in (0..len).step_by(STRETCH) {
                let stretch = STRETCH.min(len - begin);
                let sums = sums.chunks_exact_mut(STRETCH);
                for ((row, sum), square) in rows.iter().zip(sums).zip(&mut squares) {
                    let sum = &mut sum[..stretch];
                    sum.fill(0.0);
                    for (c, value) in row.iter().zip(values.clone()) {
                        let f = &value.f[begin..begin + stretch];
                        sum.iter_mut().zip(f).for_each(|(s, f)| *s += c * f);
                    }
                    *square += dot(sum, sum);
                }
            }
        },
    );
    squares
}

/// `image` ← that of f + L (x − xₙ).
fn image_of_g(value: &Value, x_image: &[f64], rates: &[f64], image: &mut [f64]) {
    let parts = value.f_image.iter().zip(rates).zip(value.x_image.iter().zip(x_image));
    for (image, ((f, rate), (x, now))) in image.iter_mut().zip(parts) {
        *image = f + rate * (x - now);
    }
}

#[allow(clippy::cast_precision_loss, reason = "a small power")]
fn power(q: usize) -> f64 {
    q as f64
}
