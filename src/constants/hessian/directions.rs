//! sup over unit q of ‖Σ qᵢ Hᵢ‖ for symmetric matrices: the norm of a bilinear map, by branch and bound over q.
//!
//! N(q) = ‖Σ qᵢ Hᵢ‖ is a norm, hence convex and homogeneous. On a cone spanned by v₁, v₂, …, q = Σ λₖ vₖ with λ ≥ 0 has
//! N(q) ≤ Σ λₖ N(vₖ), and any y with vₖ·y ≥ N(vₖ) for all k turns this into N(q) ≤ q·y ≤ |y|; y is solved for, then
//! checked. Cones start as orthants and are halved along their widest edge, the worst first. Their edges are whole
//! numbers, so that the halves cover the cone without a gap.
//!
//! Outputs are first turned to principal directions; those that matter little are left out of the search and joined by
//! the norm of their unfolding, ‖q‖² = |head|² + |tail|².

use super::unfolding::Unfolding;
use crate::constants::verified::{frobenius, gamma, symmetric_norm};
use crate::linalg::{Lu, symmetric_eigen};
use crate::scalar::{add_up, div_up, mul_down, mul_up, norm_up, sub_down, sum_up};
use nalgebra::DMatrix;
use std::collections::BTreeMap;

/// At most so many dimensions are searched…
const DIMENSIONS: usize = 5;
/// …with at most so many matrices' norms computed, fewer for large ones…
const EVALUATIONS: f64 = 4000.0;
/// …until the bound is that close.
const CLOSE: f64 = 1.015;

/// At least sup ‖Σ qᵢ Hᵢ‖ over unit q.
pub(super) fn norm(matrices: &[DMatrix<f64>]) -> f64 {
    let Some(turned) = Turned::new(matrices) else { return f64::INFINITY };
    let most = turned.matrices.len().min(turned.head);
    let first = turned.matrices.first().map_or(0.0, symmetric_norm);
    // A search of few dimensions ends sooner, one of many leaves less aside.
    let least = (1..=most).rev().fold(f64::INFINITY, |least, head| {
        let (searched, rest) = turned.matrices.split_at(head);
        let aside = unfolded(rest);
        if norm_up([first, aside]) >= least {
            return least;
        }
        least.min(norm_up([Search::over(searched), aside]))
    });
    div_up(add_up(least, turned.error), turned.least)
}

/// At least ‖(H₁ H₂ …)‖, one beside the other.
fn unfolded(matrices: &[DMatrix<f64>]) -> f64 {
    let Some(first) = matrices.first() else { return 0.0 };
    let mut unfolding = Unfolding::new(first.nrows());
    let all: Vec<usize> = (0..first.nrows()).collect();
    matrices.iter().for_each(|m| unfolding.append(m, &all));
    unfolding.norm(0)
}

/// Kₐ = Σᵢ Uᵢₐ Hᵢ with nearly orthogonal U, the largest first.
struct Turned {
    matrices: Vec<DMatrix<f64>>,
    /// How many of them are searched.
    head: usize,
    /// Of the joint rounding error of all Kₐ.
    error: f64,
    /// At most the least singular value of U: q = U c has |c| ≤ |q| over it.
    least: f64,
}

impl Turned {
    fn new(matrices: &[DMatrix<f64>]) -> Option<Self> {
        let n = matrices.len();
        let inner = DMatrix::from_fn(n, n, |i, j| matrices[i].dot(&matrices[j]));
        let (values, u) = symmetric_eigen(&inner)?;
        let (rows, columns) = matrices.first()?.shape();
        let turned: Vec<DMatrix<f64>> = (0..n)
            .map(|a| {
                let zero = DMatrix::zeros(rows, columns);
                matrices.iter().enumerate().fold(zero, |sum, (i, m)| sum + m * u[(i, a)])
            })
            .collect();
        let size = norm_up(matrices.iter().map(frobenius));
        let error = mul_up(gamma(n * (n + 2)), add_up(size, 1e-280));
        let mut defect = u.transpose() * &u;
        (0..n).for_each(|i| defect[(i, i)] -= 1.0);
        let defect = add_up(frobenius(&defect), gamma((n + 2) * (n + 2)));
        // √(1 − x) ≥ 1 − x.
        let least = sub_down(1.0, defect);
        let total: f64 = values.iter().sum();
        let mut left = total;
        let head = values.iter().take_while(|v| {
            let matters = left > 1e-3 * total;
            left -= **v;
            matters
        });
        let head = head.count().clamp(1, DIMENSIONS);
        (least > 0.5).then_some(Turned { matrices: turned, head, error, least })
    }
}

/// A vector of whole numbers, and at least its norm N.
#[derive(Debug, Clone)]
struct Edge {
    v: Vec<f64>,
    norm: f64,
}

/// A cone that still has to be searched.
struct Cone {
    edges: Vec<Edge>,
    bound: f64,
}

struct Search<'a> {
    matrices: &'a [DMatrix<f64>],
    /// The greatest N(v)/|v| met, as a goal.
    attained: f64,
    left: usize,
    /// N of the edges met, by their bits: many cones share an edge.
    known: BTreeMap<Vec<u64>, f64>,
}

impl<'a> Search<'a> {
    fn over(matrices: &'a [DMatrix<f64>]) -> f64 {
        if let [one] = matrices {
            return symmetric_norm(one);
        }
        let cube = matrices.first().map_or(1.0, |m| (m.nrows() as f64).powi(3));
        #[allow(clippy::cast_possible_truncation, reason = "at most 4000")]
        let left = (2.5e8 / cube).clamp(40.0, EVALUATIONS) as usize;
        let mut search = Search { matrices, attained: 0.0, left, known: BTreeMap::new() };
        let mut open = search.orthants();
        loop {
            open.sort_by(|a, b| a.bound.total_cmp(&b.bound));
            let worst = open.last().map_or(0.0, |cone| cone.bound);
            if worst <= CLOSE * search.attained || search.left == 0 {
                return worst.min(unfolded(matrices));
            }
            let Some(cone) = open.pop() else { return 0.0 };
            open.extend(search.halves(cone));
        }
    }

    /// Half of all orthants: N(−q) = N(q).
    fn orthants(&mut self) -> Vec<Cone> {
        let d = self.matrices.len();
        let axes: Vec<Edge> = (0..d)
            .map(|k| self.edge((0..d).map(|j| f64::from(u8::from(j == k))).collect()))
            .collect();
        let orthant = |signs: usize| {
            let turned = |(k, axis): (usize, &Edge)| {
                let sign = if signs >> k & 1 == 1 { -1.0 } else { 1.0 };
                Edge { v: axis.v.iter().map(|x| sign * x).collect(), norm: axis.norm }
            };
            Cone::new(axes.iter().enumerate().map(turned).collect())
        };
        (0..1_usize << (d - 1)).map(orthant).collect()
    }

    fn edge(&mut self, v: Vec<f64>) -> Edge {
        let bits: Vec<u64> = v.iter().map(|x| x.to_bits()).collect();
        if let Some(&norm) = self.known.get(&bits) {
            return Edge { v, norm };
        }
        self.left = self.left.saturating_sub(1);
        let norm = self.norm_at(&v);
        self.known.insert(bits, norm);
        self.attained = self.attained.max(norm / crate::linalg::norm(&v));
        Edge { v, norm }
    }

    /// At least N(v).
    fn norm_at(&self, v: &[f64]) -> f64 {
        let (rows, columns) = self.matrices[0].shape();
        let zero = DMatrix::zeros(rows, columns);
        let sum = self.matrices.iter().zip(v).fold(zero, |sum, (m, x)| sum + m * *x);
        let sizes = self.matrices.iter().zip(v).map(|(m, x)| mul_up(frobenius(m), x.abs()));
        let error = mul_up(gamma(v.len() + 2), add_up(sum_up(sizes), 1e-280));
        add_up(symmetric_norm(&sum), error)
    }

    /// The cone cut at the sum of its widest edge's ends (the shorter doubled until both are alike).
    fn halves(&mut self, cone: Cone) -> Vec<Cone> {
        let (i, j) = cone.widest();
        let (mut a, mut b) = (cone.edges[i].v.clone(), cone.edges[j].v.clone());
        let size = |v: &[f64]| crate::linalg::norm(v);
        let double = |v: &mut Vec<f64>| v.iter_mut().for_each(|x| *x *= 2.0);
        // Sums of larger whole numbers might be rounded: the search ends here.
        if size(&a).max(size(&b)) > 1e15 {
            self.left = 0;
            return vec![cone];
        }
        while size(&a) > 1.5 * size(&b) {
            double(&mut b);
        }
        while size(&b) > 1.5 * size(&a) {
            double(&mut a);
        }
        let between = self.edge(a.iter().zip(&b).map(|(a, b)| a + b).collect());
        let with = |k: usize| {
            let mut edges = cone.edges.clone();
            edges[k] = between.clone();
            Cone::new(edges)
        };
        vec![with(i), with(j)]
    }
}

impl Cone {
    fn new(edges: Vec<Edge>) -> Self {
        let bound = certificate(&edges);
        Cone { edges, bound }
    }

    /// The two edges with the largest angle.
    fn widest(&self) -> (usize, usize) {
        let unit: Vec<Vec<f64>> = self
            .edges
            .iter()
            .map(|e| e.v.iter().map(|x| x / crate::linalg::norm(&e.v)).collect())
            .collect();
        let pairs = (0..unit.len()).flat_map(|j| (0..j).map(move |i| (i, j)));
        let cosine = |&(i, j): &(usize, usize)| crate::linalg::dot(&unit[i], &unit[j]);
        pairs.min_by(|a, b| cosine(a).total_cmp(&cosine(b))).unwrap_or((0, 0))
    }
}

/// |y| for a y with v·y ≥ N(v) on every edge, as checked; ∞ where none is found.
fn certificate(edges: &[Edge]) -> f64 {
    let d = edges.len();
    let rows = DMatrix::from_fn(d, d, |k, j| edges[k].v[j]);
    let mut y: Vec<f64> = edges.iter().map(|e| e.norm).collect();
    Lu::new(&rows).solve(&mut y);
    for _ in 0..3 {
        y.iter_mut().for_each(|y| *y *= 1.0 + 1e-10);
        let holds = edges.iter().all(|e| {
            let product =
                e.v.iter().zip(&y).fold(0.0, |sum, (v, y)| -add_up(-sum, -mul_down(*v, *y)));
            product >= e.norm
        });
        if holds {
            return norm_up(y);
        }
    }
    f64::INFINITY
}
