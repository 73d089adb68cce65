//! scratch
mod common;
use gradflow::constants::{hessian, sampled};
use gradflow::prelude::*;
use std::time::Instant;

fn mlp(hidden: &[usize], seed: u64) -> (Network, Vec<f64>) {
    let g = Generator::seeded(seed);
    let inputs = nalgebra::DMatrix::from_vec(2, 5, g.split("x").gaussians(10));
    let net = Mlp { hidden: hidden.to_vec(), ..Mlp::default() }.on(inputs).unwrap();
    let mut g = g.split("w");
    let sizes: Vec<usize> = std::iter::once(2).chain(hidden.iter().copied()).chain([1]).collect();
    let mut w = Vec::new();
    for io in sizes.windows(2) {
        for _ in 0..io[0] * io[1] + io[1] {
            w.push(g.gaussian() / (io[0] as f64).sqrt());
        }
    }
    (net, w)
}

#[test]
fn table() {
    for hidden in [&[3, 3][..], &[6, 6], &[8, 8]] {
        for seed in 0..4 {
            let (net, w) = mlp(hidden, seed);
            for r in [0.001, 0.01, 0.1] {
                let t = Instant::now();
                let upper = hessian::bound(&net, &w, r).unwrap_or(f64::INFINITY);
                let a = t.elapsed().as_secs_f64();
                let lower = sampled::lip_jacobian(
                    &net,
                    &w,
                    r,
                    sampled::Effort::LARGE,
                    &Generator::seeded(1),
                );
                let small = sampled::lip_jacobian(
                    &net,
                    &w,
                    r,
                    sampled::Effort::SMALL,
                    &Generator::seeded(1),
                );
                println!(
                    "{hidden:?} p {} seed {seed} r {r}: {upper:.4} / {lower:.4} = {:.3}  small/large {:.4} {a:.2} s, {:.2} s",
                    w.len(),
                    upper / lower,
                    small / lower,
                    t.elapsed().as_secs_f64()
                );
            }
        }
    }
}
