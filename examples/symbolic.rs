//! A model from a string: its equations, and both of its flows at one scale.
use gradflow::prelude::*;

fn main() -> Result<()> {
    let formula = Formula::parse("a*tanh(b*x)", &["x"])?;
    println!("{}\n", formula.system()?.text().trim_end());

    let inputs = nalgebra::dmatrix![-1.0, -0.4, 0.3, 0.9];
    let model = Centred::at(formula.on(&inputs)?.auto(), &[1.0, 0.5]);
    let flow = Flow::new(model, Square::to([-0.8, -0.3, 0.2, 0.7]), [1.0, 0.5]).scaled(5.0);
    let found = Gap::default().solve(&flow, &[0.0, f64::INFINITY])?;
    let last = found.curved.times.len() - 1;
    println!(
        "w(∞) = {:.6?}, linearized {:.6?}",
        found.curved.weights(last),
        found.straight.weights(last)
    );
    println!("loss {:.6}, linearized {:.6}", found.loss, found.linear_loss);
    Ok(())
}
