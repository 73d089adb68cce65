//! Underspecification: predictors from one pipeline, which differ in the seed of their random features alone, have about the same
//! risk on held-out data, so that data of that kind do not tell them apart. Against one of them inputs are moved: its
//! risk grows several times more than that of the others, which no held-out risk foretold.
use gradflow::prelude::*;
use gradflow::theory::RandomFeatures;
use nalgebra::{DMatrix, DVector};

fn main() -> Result<()> {
    let (d, n, features) = (100, 400, 600);
    let mut generator = Generator::seeded(0);
    let mut sphere = |n: usize, radius: f64| {
        let unit = (0..n).flat_map(|_| generator.sphere(d)).collect();
        DMatrix::from_vec(d, n, unit) * radius
    };
    let radius = (d as f64).sqrt();
    let (beta, x, fresh) = (sphere(1, 1.0), sphere(n, radius), sphere(2000, radius));
    let target = |x: &DMatrix<f64>| x.tr_mul(&beta).as_slice().to_vec();
    let fit = |inner| RandomFeatures::fitted(inner, &x, &target(&x), 1e-3);
    let members = (0..6).map(|_| fit(sphere(features, 1.0))).collect::<Result<Vec<_>>>()?;
    let shift = DVector::from_vec(members[0].worst_shift(beta.as_slice(), 0.5 * radius)?);
    let mut moved = fresh;
    moved.column_iter_mut().for_each(|mut x| x += &shift);
    let (mut held_out, mut shifted) = (Vec::new(), Vec::new());
    println!("seed   held-out risk   shifted risk");
    for (seed, member) in members.iter().enumerate() {
        let pairs = member.values(&moved)?.into_iter().zip(target(&moved));
        let after = pairs.map(|(f, y)| (f - y).powi(2)).sum::<f64>() / moved.ncols() as f64;
        held_out.push(member.risk(beta.as_slice())?);
        shifted.push(after);
        println!("{seed:4}   {:13.3}   {after:12.3}", held_out[seed]);
    }
    let first =
        |risks: &[f64]| risks[0] * (risks.len() - 1) as f64 / risks[1..].iter().sum::<f64>();
    let (before, after) = (first(&held_out), first(&shifted));
    println!("seed 0 over the others: {before:.2} held out, {after:.2} shifted");
    Ok(())
}
