//! A factor of a loss's Hessian, by which stiff solvers weigh outputs.

/// S with ∇²R(y) = S Sᵀ: block diagonal, with blocks of one size.
#[derive(Debug, Clone, PartialEq)]
pub struct Root {
    block: usize,
    /// Each block by rows.
    entries: Vec<f64>,
}

impl Root {
    /// For a diagonal Hessian with these curvatures, none below zero.
    ///
    /// ```
    /// use gradflow::loss::Root;
    /// let mut v = [1.0, 1.0];
    /// Root::diagonal([4.0, 9.0]).apply(&mut v);
    /// assert_eq!(v, [2.0, 3.0]);
    /// ```
    pub fn diagonal(curvatures: impl IntoIterator<Item = f64>) -> Self {
        Root { block: 1, entries: curvatures.into_iter().map(f64::sqrt).collect() }
    }

    /// From blocks of `block` × `block` numbers, each by rows.
    pub fn blocks(block: usize, entries: Vec<f64>) -> Self {
        Root { block, entries }
    }

    /// `v` ← S v, of length N.
    pub fn apply(&self, v: &mut [f64]) {
        self.each_block(v, |s, v, i| s[i * v.len()..].iter().zip(v).map(|(s, v)| s * v).sum());
    }

    /// `v` ← Sᵀ v, of length N.
    pub fn apply_transposed(&self, v: &mut [f64]) {
        self.each_block(v, |s, v, i| {
            s[i..].iter().step_by(v.len()).zip(v).map(|(s, v)| s * v).sum()
        });
    }

    fn each_block(&self, v: &mut [f64], entry: impl Fn(&[f64], &[f64], usize) -> f64) {
        if self.block == 1 {
            v.iter_mut().zip(&self.entries).for_each(|(v, s)| *v *= s);
            return;
        }
        let mut old = vec![0.0; self.block];
        let blocks = self.entries.chunks_exact(self.block * self.block);
        for (v, s) in v.chunks_exact_mut(self.block).zip(blocks) {
            old.copy_from_slice(v);
            for (i, v) in v.iter_mut().enumerate() {
                *v = entry(s, &old, i);
            }
        }
    }
}
