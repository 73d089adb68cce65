//! Networks with one output: what `increment` does around the output layer, in single passes.
//!
//! A product with one row does one operation for each number it reads, so one pass over the planes that serves all of
//! the products costs as much as one of them. The plain twins are the matrix products of `increment`; the test below
//! holds the two together.

use crate::linalg::{dot, vectorized};
use crate::model::Dense;
use std::ops::Range;

/// Some neurons' weights in the output layer, with its factor: at the start w₀, and Δw = u + εe.
pub(super) struct Weights<'a> {
    start: &'a [f64],
    moved: &'a [f64],
    factor: f64,
}

impl<'a> Weights<'a> {
    /// Those of some `neurons` below `last`, from whole parameter vectors.
    pub(super) fn of(last: &Dense, neurons: Range<usize>, [start, moved]: [&'a [f64]; 2]) -> Self {
        let [start, moved] = [start, moved].map(|w| part(last, neurons.clone(), w));
        Weights { start, moved, factor: last.weight_factor }
    }
}

/// The weights of some `neurons` below an output.
pub(super) fn part<'a>(last: &Dense, neurons: Range<usize>, w: &'a [f64]) -> &'a [f64] {
    &w[last.weights.clone()][neurons]
}

/// `first` ← Σⱼ s (uⱼ A₀ + wⱼ A₁) and `rest` ← Σⱼ s (eⱼ A₀ + wⱼ A₂ + Δwⱼ ΔA), of length n.
///
/// `planes` are A₀, A₁, A₂ and ΔA, a row of n per neuron; `displacement` is u and e of the neurons.
pub(super) fn outputs(
    [first, rest]: [&mut [f64]; 2],
    planes: [&[f64]; 4],
    displacement: [&[f64]; 2],
    weights: &Weights<'_>,
) {
    let n = first.len();
    first.fill(0.0);
    rest.fill(0.0);
    let Weights { start, moved, factor } = weights;
    let [values, firsts, rests, changes] = planes.map(|plane| plane.chunks_exact(n));
    let rows = values.zip(firsts).zip(rests.zip(changes));
    let [u, e] = displacement;
    let factors = u.iter().zip(e).zip(start.iter().zip(*moved));
    vectorized(
        #[inline(always)]
        || {
            for (((value, a1), (a2, change)), ((u, e), (w, moved))) in rows.zip(factors) {
                let [u, e, w, moved] = [u, e, w, moved].map(|weight| factor * weight);
                let out = first.iter_mut().zip(rest.iter_mut());
                let inputs = value.iter().zip(a1).zip(a2.iter().zip(change));
                for ((first, rest), ((value, a1), (a2, change))) in out.zip(inputs) {
                    *first += u * value + w * a1;
                    *rest += e * value + w * a2 + moved * change;
                }
            }
        },
    );
}

/// Some neurons below the output, a row of n per neuron.
pub(super) struct Hidden<'a> {
    /// A₀, A and ΔA.
    pub(super) value: &'a [f64],
    pub(super) total: &'a [f64],
    pub(super) change: &'a [f64],
    /// S₀ and ΔS.
    pub(super) slope: &'a [f64],
    pub(super) slope_change: &'a [f64],
}

/// The way back from signals G₀, ΔG and G, of length n: the output weights' gradient s G₀ A₀ᵀ and its change
/// `s (ΔG Aᵀ + G₀ ΔAᵀ)`, a number per neuron; and the neurons' signals H₀ = S₀ ∘ s w G₀, their change ΔH, and H₀ + ε ΔH
/// where there is room for it.
pub(super) fn back(
    [g0, gd, g]: [&[f64]; 3],
    hidden: &Hidden<'_>,
    weights: &Weights<'_>,
    eps: f64,
    [base, change]: [&mut [f64]; 2],
    [h0, hd, total]: [&mut [f64]; 3],
) {
    let n = g0.len();
    let Weights { start, moved, factor } = weights;
    vectorized(
        #[inline(always)]
        || {
            for j in 0..base.len() {
                let row = j * n..(j + 1) * n;
                let value = &hidden.value[row.clone()];
                base[j] = factor * dot(g0, value);
                change[j] = factor
                    * (dot(gd, &hidden.total[row.clone()]) + dot(g0, &hidden.change[row.clone()]));
                let (w, dw) = (factor * start[j], factor * moved[j]);
                let slopes =
                    hidden.slope[row.clone()].iter().zip(&hidden.slope_change[row.clone()]);
                let signals = g0.iter().zip(gd).zip(g);
                let out = h0[row.clone()].iter_mut().zip(&mut hd[row.clone()]);
                for ((h0, hd), (((g0, gd), g), (s0, sd))) in out.zip(signals.zip(slopes)) {
                    let h = w * g0;
                    *hd = h * sd + (w * gd + dw * g) * (s0 + eps * sd);
                    *h0 = h * s0;
                }
                if !total.is_empty() {
                    let parts = h0[row.clone()].iter().zip(&hd[row.clone()]);
                    total[row].iter_mut().zip(parts).for_each(|(t, (h, hd))| *t = h + eps * hd);
                }
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::{row_major, row_major_mut};

    const WIDTH: usize = 5;
    const EPS: f64 = 0.3;

    fn layer() -> Dense {
        Dense {
            inputs: WIDTH,
            outputs: 1,
            weights: 3..3 + WIDTH,
            biases: None,
            weight_factor: 0.7,
            bias_factor: 1.0,
        }
    }

    /// `count` numbers in [−1, 1), other ones for every `seed`.
    fn numbers(seed: usize, count: usize) -> Vec<f64> {
        let draw = |i: usize| ((seed * 1009 + i) as f64 * 0.618_033_988_749).fract();
        (0..count).map(|i| 2.0 * draw(i) - 1.0).collect()
    }

    /// Sums of at most 40 products of three numbers below 1, in other orders.
    fn assert_alike(found: &[f64], wanted: &[f64]) {
        for (found, wanted) in found.iter().zip(wanted) {
            assert!((found - wanted).abs() <= 40.0 * f64::EPSILON, "{found} {wanted}");
        }
    }

    /// Of the neurons 1 to 4 of five, for rows with and without a remainder of lanes.
    #[test]
    fn single_passes_agree_with_matrix_products() {
        let (last, neurons) = (layer(), 1..4);
        for n in [1, 8, 19] {
            let planes: [Vec<f64>; 6] = std::array::from_fn(|k| numbers(k, 3 * n));
            let view = |k: usize| row_major(&planes[k], 3, n);
            let w: [Vec<f64>; 4] = std::array::from_fn(|k| numbers(10 + k, 3 + WIDTH));
            let [u, e, start, moved] = w.each_ref().map(|w| &w[..]);
            let weights = Weights::of(&last, neurons.clone(), [start, moved]);

            let (mut first, mut rest) = (vec![f64::NAN; n], vec![f64::NAN; n]);
            let displacement = [u, e].map(|w| part(&last, neurons.clone(), w));
            let four = [0, 1, 2, 3].map(|k| &planes[k][..]);
            outputs([&mut first, &mut rest], four, displacement, &weights);
            let product = |pairs: &[(&[f64], usize)]| {
                let mut out = vec![0.0; n];
                for (w, k) in pairs {
                    let matrix = last.matrix(w).subcols(1, 3);
                    let out = row_major_mut(&mut out, 1, n);
                    crate::linalg::gemm(out, true, matrix, view(*k), last.weight_factor);
                }
                out
            };
            assert_alike(&first, &product(&[(u, 0), (start, 1)]));
            assert_alike(&rest, &product(&[(e, 0), (start, 2), (moved, 3)]));

            let (g0, gd) = (numbers(20, n), numbers(21, n));
            let g: Vec<f64> = g0.iter().zip(&gd).map(|(a, b)| a + EPS * b).collect();
            let [value, total, change, slope, slope_change] =
                [0, 1, 2, 4, 5].map(|k| &planes[k][..]);
            let hidden = Hidden { value, total, change, slope, slope_change };
            let mut gradients = [vec![f64::NAN; 3], vec![f64::NAN; 3]];
            let mut signals = [(); 3].map(|()| vec![f64::NAN; 3 * n]);
            back(
                [&g0, &gd, &g],
                &hidden,
                &weights,
                EPS,
                gradients.each_mut().map(|v| &mut v[..]),
                signals.each_mut().map(|v| &mut v[..]),
            );
            let gradient = |pairs: &[(&[f64], usize)]| {
                let mut out = vec![0.0; 3];
                for (g, k) in pairs {
                    last.weight_gradient(
                        true,
                        row_major_mut(&mut out, 1, 3),
                        row_major(g, 1, n),
                        view(*k),
                    );
                }
                out
            };
            assert_alike(&gradients[0], &gradient(&[(&g0, 0)]));
            assert_alike(&gradients[1], &gradient(&[(&gd, 1), (&g0, 2)]));
            let (mut h0, mut hd) = (vec![0.0; 3 * n], vec![0.0; 3 * n]);
            last.backward(false, neurons.clone(), &mut h0, row_major(&g0, 1, n), start);
            last.backward(false, neurons.clone(), &mut hd, row_major(&gd, 1, n), start);
            last.backward(true, neurons.clone(), &mut hd, row_major(&g, 1, n), moved);
            for i in 0..3 * n {
                hd[i] = h0[i] * slope_change[i] + hd[i] * (slope[i] + EPS * slope_change[i]);
                h0[i] *= slope[i];
            }
            assert_alike(&signals[0], &h0);
            assert_alike(&signals[1], &hd);
            let whole: Vec<f64> = h0.iter().zip(&hd).map(|(a, b)| a + EPS * b).collect();
            assert_alike(&signals[2], &whole);
        }
    }
}
