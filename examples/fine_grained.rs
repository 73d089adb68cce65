//! Fine-grained analysis of wide two-layer networks: why true labels are learnt faster than random ones, and why they generalize.
//! Both are read off the projections of the labels on the eigenvectors of one kernel, H∞, before any training: the
//! residual after k steps, and the complexity measure √(2yᵀ(H∞)⁻¹y/n), which a simple function keeps small.
use gradflow::prelude::*;
use gradflow::theory::{FineGrained, polynomial_norm};
use nalgebra::DMatrix;

fn main() -> Result<()> {
    let (d, n) = (10, 100);
    let mut generator = Generator::seeded(0);
    let x = DMatrix::from_vec(d, n, (0..n).flat_map(|_| generator.sphere(d)).collect());
    let fine = FineGrained::of(&x)?;
    let eta = 0.5 / fine.eigenvalues()[0];
    let scaled = |v: Vec<f64>| v.iter().map(|v| v * (n as f64).sqrt()).collect::<Vec<f64>>();
    let eigenvector = |i: usize| fine.eigenvector(i).map(scaled).unwrap_or_default();
    let labels = [
        ("leading eigenvector", eigenvector(0)),
        ("sign of x₁", x.row(0).iter().map(|x| x.signum()).collect()),
        ("random", (0..n).map(|_| generator.sign()).collect()),
        ("last eigenvector", eigenvector(n - 1)),
    ];
    println!("labels                 ‖y − u‖ at 20   at 100   at 400   measure");
    for (name, y) in &labels {
        let [a, b, c] = [20, 100, 400].map(|k| fine.residual(y, eta, k));
        let (a, b, c) = (a?, b?, c?);
        println!("{name:<20}   {a:13.4}   {b:6.4}   {c:6.4}   {:7.3}", fine.measure(y)?);
    }
    for p in [1, 2, 4] {
        let y: Vec<f64> = x.row(0).iter().map(|x| x.powf(f64::from(p))).collect();
        let (found, bound) = (fine.least_norm(&y)?, polynomial_norm(p, 1.0, 1.0)?);
        println!("y = x₁^{p}: √(yᵀH⁻¹y) = {found:.3}, below 3p = {bound}");
    }
    Ok(())
}
