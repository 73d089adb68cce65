//! Underspecification: ten predictors from one pipeline, which differ in the seed of their random features alone, cannot be told
//! apart on held-out data; moved against one of them, the data tell. Whoever picks one by its held-out risk picks blindly.
use gradflow::experiment::rank_correlation;
use gradflow::prelude::*;
use gradflow::theory::RandomFeatures;
use nalgebra::DMatrix;

fn main() -> Result<()> {
    let (d, n, features) = (50, 200, 150);
    let mut generator = Generator::seeded(0);
    let mut sphere = |n: usize, radius: f64| {
        let unit = (0..n).flat_map(|_| generator.sphere(d)).collect();
        DMatrix::from_vec(d, n, unit) * radius
    };
    let radius = (d as f64).sqrt();
    let (beta, x, fresh) = (sphere(1, 1.0), sphere(n, radius), sphere(2000, radius));
    let target = |x: &DMatrix<f64>| x.tr_mul(&beta).as_slice().to_vec();
    let fit = |w| RandomFeatures::fitted(w, &x, &target(&x), 1e-3);
    let members = (0..10).map(|_| fit(sphere(features, 1.0))).collect::<Result<Vec<_>>>()?;
    // The mean of all inputs moves where member 0 errs most.
    let shift = nalgebra::DVector::from_vec(members[0].worst_shift(beta.as_slice(), 0.5 * radius)?);
    let mut moved = fresh.clone();
    moved.column_iter_mut().for_each(|mut x| x += &shift);
    let (mut iid, mut shifted) = (Vec::new(), Vec::new());
    println!("seed   held-out risk   shifted risk");
    for (seed, member) in members.iter().enumerate() {
        let pairs = member.values(&moved)?.into_iter().zip(target(&moved));
        let after = pairs.map(|(f, y)| (f - y).powi(2)).sum::<f64>() / moved.ncols() as f64;
        iid.push(member.risk(beta.as_slice())?);
        shifted.push(after);
        println!("{seed:4}   {:13.3}   {after:12.3}", iid[seed]);
    }
    let others = rank_correlation(&iid[1..], &shifted[1..]);
    println!("rank correlation over the seeds that the shift was not chosen for: {others:.2}");
    Ok(())
}
