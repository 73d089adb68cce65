//! b' = −λb + q(t), integrated exactly against the exponential: b(t + h) = e^(−λh) b(t) + ∫₀ʰ e^(−λ(h−s)) q(t + s) ds.
//!
//! On a step, q is the quartic through its values at 0, h/4, h/2, 3h/4 and h, and the integral is exact for it: with
//! q = Σₖ aₖ(s/h)ᵏ it is h Σₖ aₖ k! φₖ₊₁(−λh), where φ₀(z) = eᶻ and φₖ₊₁(z) = (φₖ(z) − 1/k!)/z (Hochbruck and
//! Ostermann 2010). λh may be as large as it likes: only q limits the step.

/// Coefficients in (s/h)ᵏ, k = 0 … 4, of the Lagrange polynomials of the nodes 0, ¼, ½, ¾, 1; all over 3.
const LAGRANGE: [[f64; 5]; 5] = [
    [3.0, -25.0, 70.0, -80.0, 32.0],
    [0.0, 48.0, -208.0, 288.0, -128.0],
    [0.0, -36.0, 228.0, -384.0, 192.0],
    [0.0, 16.0, -112.0, 224.0, -128.0],
    [0.0, -3.0, 22.0, -48.0, 32.0],
];

/// k! φₖ₊₁(z) for k = 0 … 4 and z ≤ 0: the means ∫₀¹ e^(z(1−x)) xᵏ dx.
fn means(z: f64) -> [f64; 5] {
    let mut found = [0.0; 5];
    if z.abs() < 1.0 {
        // k! φₖ₊₁(z) = Σⱼ k! zʲ/(k + 1 + j)!, whose 19th term is below 1e-17.
        for (k, mean) in found.iter_mut().enumerate() {
            let mut term = 1.0 / (k + 1) as f64;
            for j in 0..19 {
                *mean += term;
                term *= z / (k + 2 + j) as f64;
            }
        }
        return found;
    }
    // Downward errors shrink by k/|z| < 4 a step and stay below 100 ulps of 1.
    found[0] = z.exp_m1() / z;
    for k in 1..5 {
        found[k] = (k as f64 * found[k - 1] - 1.0) / z;
    }
    found
}

/// What one step of length h does to a component of rate λ.
#[derive(Debug, Clone, Copy)]
struct Step {
    decay: f64,
    weights: [f64; 5],
}

impl Step {
    fn of(rate: f64, h: f64) -> Self {
        let means = means(-rate * h);
        let weight = |l: &[f64; 5]| h / 3.0 * l.iter().zip(&means).map(|(a, m)| a * m).sum::<f64>();
        Step { decay: (-rate * h).exp(), weights: LAGRANGE.each_ref().map(weight) }
    }
}

/// b at each of `stops` (ascending from 0, b(0) = 0), component i decaying at `rates[i]` and driven by `source(t, q)`,
/// which is called inside each step from its left end on. Steps go from stop to stop.
pub(super) fn march(
    rates: &[f64],
    stops: &[f64],
    mut source: impl FnMut(usize, f64, &mut [f64]),
) -> Vec<Vec<f64>> {
    let n = rates.len();
    let (mut b, mut found) = (vec![0.0; n], vec![vec![0.0; n]]);
    let mut values = vec![vec![0.0; n]; 5];
    for (k, pair) in stops.windows(2).enumerate() {
        let h = pair[1] - pair[0];
        for (j, value) in values.iter_mut().enumerate() {
            let t = if j == 4 { pair[1] } else { pair[0] + 0.25 * h * j as f64 };
            source(k, t, value);
        }
        for (i, b) in b.iter_mut().enumerate() {
            let step = Step::of(rates[i], h);
            *b = step.decay * *b
                + step.weights.iter().zip(&values).map(|(w, q)| w * q[i]).sum::<f64>();
        }
        found.push(b.clone());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// q = t³ from b = 0: b = t³/λ − 3t²/λ² + 6t/λ³ − 6(1 − e^(−λt))/λ⁴, and t⁴/4 at λ = 0. The closed form loses digits for
    /// small λ, so those are checked against its series t⁴/4 (1 − λt/5 + λ²t²/30 − …).
    #[test]
    fn a_cubic_source_is_integrated_exactly() {
        let at = |rate: f64, stops: &[f64]| {
            march(&[rate], stops, |_, t, q| q[0] = t.powi(3)).last().unwrap()[0]
        };
        for rate in [2.0, 30.0, 1e3, 1e7] {
            let t: f64 = 1.5;
            let wanted = t.powi(3) / rate - 3.0 * t * t / rate.powi(2)
                + 6.0 * t / rate.powi(3)
                + 6.0 * (-rate * t).exp_m1() / rate.powi(4);
            for stops in [vec![0.0, 1.5], vec![0.0, 0.1, 0.7, 1.5]] {
                // 100 ulps of the largest term; the last loses (λt)³ of them.
                assert!((at(rate, &stops) / wanted - 1.0).abs() < 1e-12, "{rate}");
            }
        }
        for rate in [0.0, 1e-3, 1e-6] {
            let rate: f64 = rate;
            let series = 1.5_f64.powi(4) / 4.0
                * (1.0 - rate * 1.5 / 5.0 + (rate * 1.5).powi(2) / 30.0
                    - (rate * 1.5).powi(3) / 210.0);
            assert!((at(rate, &[0.0, 0.4, 1.5]) / series - 1.0).abs() < 1e-12, "{rate}");
        }
    }

    /// Both branches of the means at their border, against each other.
    #[test]
    fn the_means_agree_where_the_branches_meet() {
        let (series, recurrence) = (means(-1.0 + 1e-12), means(-1.0));
        for (a, b) in series.iter().zip(&recurrence) {
            assert!((a - b).abs() < 1e-11);
        }
    }
}
