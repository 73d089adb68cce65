//! Surprises in ridgeless least squares: what interpolates at least norm, as lazy training does, has a risk that peaks where
//! there are as many features as samples and descends again beyond. At a signal-to-noise ratio above 1 more
//! features than samples have a best number of their own; the best ridge has no peak, and is never worse.
use gradflow::prelude::*;
use gradflow::theory::Ridgeless;

fn main() -> Result<()> {
    let (r2, s2, n) = (5.0, 1.0, 100);
    let problem = Ridgeless::new(r2, s2)?;
    let mut generator = Generator::seeded(0);
    println!("  p/n   simulated   expected      limit   best ridge");
    for p in [20, 50, 80, 125, 200, 400] {
        let beta: Vec<f64> = generator.sphere(p).iter().map(|b| b * r2.sqrt()).collect();
        let mut risks = Vec::new();
        for _ in 0..20 {
            let x = nalgebra::DMatrix::from_vec(p, n, generator.gaussians(p * n));
            let line = Mlp { hidden: Vec::new(), biases: false, ..Mlp::default() }.on(x)?;
            let mut y = vec![0.0; n];
            line.value(&beta, &mut y);
            y.iter_mut().for_each(|y| *y += s2.sqrt() * generator.gaussian());
            let flow = Flow::new(line, Square::to(y), vec![0.0; p]);
            let end = flow.linearized().solve(&Eigen, &[0.0, f64::INFINITY])?.weights(1);
            risks.push(end.iter().zip(&beta).map(|(e, b)| (e - b).powi(2)).sum::<f64>());
        }
        let mean = risks.iter().sum::<f64>() / risks.len() as f64;
        let (gamma, expected) = (p as f64 / n as f64, problem.gaussian_risk(n, p));
        let (limit, ridge) = (problem.risk(gamma), problem.optimal_ridge_risk(gamma));
        println!("{gamma:5}   {mean:9.3}  {expected:9.3}  {limit:9.3}    {ridge:9.3}");
    }
    if let Some((gamma, risk)) = problem.second_descent() {
        println!("beyond the peak the risk is least at p/n = {gamma:.3}: {risk:.3}");
    }
    Ok(())
}
