//! Panels of Chebyshev–Lobatto nodes, between which a smooth function of time is a polynomial.
//!
//! On a panel [a, b] the nodes are a + (b − a)(1 − cos(jπ/8))/2, j = 0 … 8, ends included, so neighbours share one and
//! the interpolant is continuous. Every second node is again such a set, of degree 4: comparing the two estimates the
//! error without another evaluation. Interpolation is barycentric (Berrut and Trefethen 2004), with weights (−1)ʲ,
//! halved at the ends.

/// Degree of a panel's polynomial.
pub(super) const DEGREE: usize = 8;

/// Panels of [0, T] by their edges, ascending from 0.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Panels {
    pub(super) edges: Vec<f64>,
}

/// How densely a panel is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fineness {
    /// Every node.
    Full,
    /// Every second one.
    Half,
}

impl Fineness {
    fn stride(self) -> usize {
        if self == Fineness::Full { 1 } else { 2 }
    }
}

impl Panels {
    /// Panels for functions that vary over the time 1/`fastest` at first and over times in proportion to t later.
    pub(super) fn graded(end: f64, fastest: f64) -> Self {
        let mut edges = vec![end];
        let mut t = end;
        while t * fastest > 1.0 && edges.len() < 64 {
            t *= 0.5;
            edges.push(t);
        }
        edges.push(0.0);
        edges.reverse();
        Panels { edges }
    }

    pub(super) fn len(&self) -> usize {
        self.edges.len() - 1
    }

    /// Node j of panel i.
    pub(super) fn node(&self, i: usize, j: usize) -> f64 {
        let (a, b) = (self.edges[i], self.edges[i + 1]);
        match j {
            0 => a,
            DEGREE => b,
            _ => a + (b - a) * position(j),
        }
    }

    /// All nodes, ascending: number i · `DEGREE` + j is node j of panel i.
    pub(super) fn nodes(&self) -> Vec<f64> {
        let inner = (0..self.len()).flat_map(|i| (0..DEGREE).map(move |j| self.node(i, j)));
        inner.chain(self.edges.last().copied()).collect()
    }

    /// The panel that holds t.
    pub(super) fn holding(&self, t: f64) -> usize {
        self.edges.partition_point(|e| *e <= t).clamp(1, self.len()) - 1
    }

    /// The panel's Lagrange polynomials at t: the interpolant is Σⱼ ℓⱼ(t) f(node j). Zero at the nodes that the
    /// fineness leaves out.
    pub(super) fn lagrange(&self, i: usize, t: f64, fineness: Fineness) -> [f64; DEGREE + 1] {
        let mut found = [0.0; DEGREE + 1];
        let mut total = 0.0;
        for j in (0..=DEGREE).step_by(fineness.stride()) {
            let away = t - self.node(i, j);
            if away == 0.0 {
                found = [0.0; DEGREE + 1];
                found[j] = 1.0;
                return found;
            }
            let sign = if (j / fineness.stride()).is_multiple_of(2) { 1.0 } else { -1.0 };
            let weight = if j == 0 || j == DEGREE { 0.5 } else { 1.0 };
            found[j] = sign * weight / away;
            total += found[j];
        }
        found.map(|l| l / total)
    }

    /// Each panel marked halved.
    pub(super) fn split(&self, marked: &[bool]) -> Self {
        let mut edges = vec![0.0];
        for (pair, &halve) in self.edges.windows(2).zip(marked) {
            if halve {
                edges.push(0.5 * (pair[0] + pair[1]));
            }
            edges.push(pair[1]);
        }
        Panels { edges }
    }
}

/// Where node j lies in the unit interval.
pub(super) fn position(j: usize) -> f64 {
    // sin² keeps the digits that 1 − cos would lose near 0.
    (std::f64::consts::FRAC_PI_2 * j as f64 / DEGREE as f64).sin().powi(2)
}

/// The weights of Clenshaw and Curtis on the unit interval: the integral of a panel's polynomial is its width times
/// their sum with the values at the nodes.
pub(super) fn quadrature() -> [f64; DEGREE + 1] {
    let n = DEGREE as f64;
    let mut weights = [0.0; DEGREE + 1];
    for (j, weight) in weights.iter_mut().enumerate() {
        let mode = |k: usize| {
            let k = k as f64;
            (2.0 * std::f64::consts::PI * j as f64 * k / n).cos() / (1.0 - 4.0 * k * k)
        };
        let last = DEGREE / 2;
        let sum = 0.5 * mode(0) + (1..last).map(mode).sum::<f64>() + 0.5 * mode(last);
        let end = if j == 0 || j == DEGREE { 0.5 } else { 1.0 };
        *weight = 2.0 * end * sum / n;
    }
    weights
}

/// A vector known at the nodes, as its interpolant.
pub(super) struct Interpolant<'a> {
    pub(super) panels: &'a Panels,
    /// One vector per node, as [`Panels::nodes`] numbers them.
    pub(super) values: &'a [Vec<f64>],
    pub(super) fineness: Fineness,
}

impl Interpolant<'_> {
    /// `out` ← the value at t, seen from panel `i`.
    pub(super) fn at(&self, i: usize, t: f64, out: &mut [f64]) {
        out.fill(0.0);
        let lagrange = self.panels.lagrange(i, t, self.fineness);
        for (l, value) in lagrange.iter().zip(&self.values[i * DEGREE..]) {
            if *l != 0.0 {
                out.iter_mut().zip(value).for_each(|(o, v)| *o += l * v);
            }
        }
    }

    /// Per panel, how far the polynomial of half the nodes misses the others: max‖·‖ over them.
    pub(super) fn misses(&self) -> Vec<f64> {
        let half = Interpolant { fineness: Fineness::Half, ..*self };
        let mut out = vec![0.0; self.values.first().map_or(0, Vec::len)];
        let mut miss = |i: usize, j: usize| {
            half.at(i, self.panels.node(i, j), &mut out);
            let known = &self.values[i * DEGREE + j];
            crate::linalg::norm(&out.iter().zip(known).map(|(a, b)| a - b).collect::<Vec<_>>())
        };
        (0..self.panels.len())
            .map(|i| (1..DEGREE).step_by(2).map(|j| miss(i, j)).fold(0.0, f64::max))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Degree 8 reproduces t⁸ and degree 4 does not; both reproduce t⁴. Barycentric rounding is a few ulps of the largest
    /// value.
    #[test]
    fn polynomials_of_the_degree_are_reproduced() {
        let panels = Panels { edges: vec![0.0, 0.5, 2.0] };
        let at = |power: i32, t: f64, fineness| {
            let values: Vec<Vec<f64>> =
                panels.nodes().iter().map(|t| vec![t.powi(power)]).collect();
            let mut out = [0.0];
            let interpolant = Interpolant { panels: &panels, values: &values, fineness };
            interpolant.at(panels.holding(t), t, &mut out);
            (out[0] - t.powi(power)).abs()
        };
        for t in [0.0, 0.1, 0.5, 0.7, 1.9, 2.0] {
            assert!(at(8, t, Fineness::Full) < 1e-12);
            assert!(at(4, t, Fineness::Half) < 1e-13);
        }
        assert!(at(8, 1.3, Fineness::Half) > 1e-3);
    }

    /// ∫₀¹ tᵏ dt = 1/(k + 1) for k up to the degree, and by symmetry one more; not for the next.
    #[test]
    fn powers_up_to_the_degree_are_integrated() {
        let integral = |k: i32| {
            let at = |(j, weight): (usize, &f64)| weight * position(j).powi(k);
            quadrature().iter().enumerate().map(at).sum::<f64>() * f64::from(k + 1)
        };
        assert!((0..=9).all(|k| (integral(k) - 1.0).abs() < 1e-15), "{:?}", quadrature());
        assert!((integral(10) - 1.0).abs() > 1e-7);
    }

    #[test]
    fn grading_resolves_the_fastest_time() {
        let panels = Panels::graded(1000.0, 50.0);
        assert_eq!((panels.edges[0], *panels.edges.last().unwrap()), (0.0, 1000.0));
        assert!(panels.edges[1] * 50.0 <= 1.0);
        assert_eq!(panels.nodes().len(), DEGREE * panels.len() + 1);
        assert_eq!(Panels::graded(0.01, 1.0).len(), 1);
        assert_eq!(panels.split(&vec![true; panels.len()]).len(), 2 * panels.len());
    }
}
