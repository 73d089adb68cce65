//! Bring your own h: an exponential decay fitted to four measurements, at scales from curved to lazy, and in the limit.
use gradflow::prelude::*;

/// h(w)ᵢ = w₁ exp(−w₂ tᵢ) − exp(−tᵢ): how far the curve w₁ e^(−w₂t) is from the one it starts as.
struct Decay {
    times: [f64; 4],
}

impl Model for Decay {
    fn shape(&self) -> Shape {
        Shape { params: 2, outputs: 4 }
    }
    fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
        for (y, &t) in y.iter_mut().zip(&self.times) {
            *y = w[0] * (-(w[1] * S::from(t))).exp() - S::from((-t).exp());
        }
    }
}

fn main() -> Result<()> {
    let model = Decay { times: [0.5, 1.0, 2.0, 4.0] }.auto();
    let flow = Flow::new(model, Square::to([0.3, 0.2, 0.1, 0.0]), [1.0, 1.0]);
    println!("     α   α² sup‖w − w̄‖   α sup‖y − ȳ‖");
    for alpha in [1.0, 10.0, 1e3, 1e6, 1e12, f64::INFINITY] {
        let found = Gap::default().solve(&flow.at_scale(alpha), &logarithmic(0.01, 100.0, 50))?;
        let (w, y) = (found.weights_gap.scaled, found.outputs_gap.scaled);
        println!("{alpha:6.0e}   {w:13.7}  {y:13.7}");
    }
    Ok(())
}
