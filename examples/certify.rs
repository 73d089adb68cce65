//! Who guarantees it? Prove a Lipschitz constant of your own model, then convergence for all time: by Theorem 2.4 of
//! the paper, and by our Theorem 2, whose condition is weaker.
use gradflow::constants::Neighbourhood;
use gradflow::prelude::*;
use gradflow::theory::{OverParameterized, Setting, SharpInfiniteHorizon, Theorem, Verdict};

/// h(w) = (tanh w₁ + w₂²/2, w₂ + w₁w₂/2)
struct Curve;

impl Model for Curve {
    fn shape(&self) -> Shape {
        Shape { params: 2, outputs: 2 }
    }
    fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
        let half = S::from(0.5);
        y[0] = w[0].tanh() + half * w[1] * w[1];
        y[1] = w[1] + half * w[0] * w[1];
    }
}

fn main() -> Result<()> {
    let (map, w0) = (Curve.auto(), [0.0, 0.0]);
    let near = Neighbourhood::of(&map, &w0)?;
    let lip = near.lip_jacobian(0.3);
    println!(
        "Lip(Dh) on the ball of radius 0.3: {:.4} is attained, {:.4} is proven",
        lip.lower, lip.upper
    );
    println!("                                   by {}\n", lip.method);
    println!("    α   Theorem 2.4 (paper)   Theorem 2 (ours)   sup‖y − ȳ‖ ≤     measured");
    for alpha in [2.0, 5.0, 20.0, 100.0] {
        let flow = Flow::new(&map, Square::to([1.0, -0.5]), w0).scaled(alpha);
        let setting = Setting::of(&flow)?;
        let [paper, ..] = OverParameterized::for_flow(&setting, &near)?;
        let [.., ours] = SharpInfiniteHorizon::conclusions(&setting, &near)?;
        let bound = ours.bound(f64::INFINITY).map_or("–".into(), |b| format!("{b:.3e}"));
        let found = Gap::default().solve(&flow, &[0.0, f64::INFINITY]);
        let measured =
            found.map_or_else(|_| "–".into(), |f| format!("{:.3e}", f.outputs_gap.scaled / alpha));
        let said = |verdict: Verdict| verdict.to_string();
        let (paper, ours) = (said(paper.verdict()), said(ours.verdict()));
        println!("{alpha:5}   {paper:>19}   {ours:>16}   {bound:>12}   {measured:>10}");
    }
    Ok(())
}
