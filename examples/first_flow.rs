//! Does a curved model train like its tangent? Yes, as α grows.
use gradflow::prelude::*;

/// h(w) = (tanh w₁ + w₂², w₂ + w₁w₂)
struct Curve;
impl Model for Curve {
    fn shape(&self) -> Shape {
        Shape { params: 2, outputs: 2 }
    }
    fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
        y[0] = w[0].tanh() + w[1] * w[1];
        y[1] = w[1] + w[0] * w[1];
    }
}

fn main() -> Result<()> {
    for alpha in [10.0, 100.0, 1000.0] {
        let flow = Flow::new(Curve.auto(), Square::to([1.0, -0.5]), [0.0, 0.0]).scaled(alpha);
        let curved = flow.solve(&Bdf::default(), &uniform(10.0, 100))?;
        let straight = flow.linearized().solve(&Eigen, &uniform(10.0, 100))?;
        println!("α = {alpha:4}: {}", Divergence::between(&curved, &straight)?);
    }
    Ok(())
}
