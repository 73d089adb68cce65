//! Delving deep into rectifiers: weights of variance 2/n keep a signal through any number of relu layers, since each drops half
//! of its variance; of variance 1/n, right for linear layers, they lose 2⁻³⁰ in thirty. A slope a below zero asks
//! for 2/((1 + a²)n). What one network keeps fluctuates, by e^(5L/n) in the mean square: depth wants width.
use gradflow::model::FilterInitialization;
use gradflow::prelude::*;
use gradflow::theory::Signal;

fn main() -> Result<()> {
    let (n, layers, draws) = (128, 30, 40);
    let he = FilterInitialization::He.deviation(n, n);
    let xavier = FilterInitialization::Xavier { gain: 1.0 }.deviation(n, n);
    let prelu = FilterInitialization::HePrelu(0.25).deviation(n, n);
    let mut generator = Generator::seeded(0);
    println!("start            σ     variance left   expected   ± over networks");
    let starts = [("He", he, 0.0), ("Xavier", xavier, 0.0), ("He, a = ¼", prelu, 0.25)];
    for (name, sigma, a) in starts {
        let mut mean = 0.0;
        for _ in 0..draws {
            let mut v = 1.0;
            for _ in 0..layers {
                // Given the layer before, a layer is v times Gaussian.
                let z = generator.gaussians(n);
                let phi = |z: f64| if z > 0.0 { z } else { a * z };
                v *= sigma * sigma * z.iter().map(|z| phi(*z).powi(2)).sum::<f64>();
            }
            mean += v / f64::from(draws);
        }
        let signal = Signal::new(n, a, sigma * sigma)?;
        let (expected, off) = (signal.expected(layers), 100.0 * signal.relative_deviation(layers));
        println!("{name:<10}   {sigma:.4}   {mean:13.2e}   {expected:8.1e}   {off:15.0} %");
    }
    for channels in [64, 128, 256, 512] {
        let sigma = FilterInitialization::He.deviation(9 * channels, 1);
        println!("3 × 3 filters, {channels} channels: σ = {sigma:.4}");
    }
    Ok(())
}
