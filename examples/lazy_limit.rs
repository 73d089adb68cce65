//! The paper's Theorem 2.2 as a picture: how the gaps of a network close as α grows, beside their sharp constants.
//!
//! Writes `lazy_limit` (centred) and `lazy_limit_doubled` into `figures/`, each as SVG and CSV.
use gradflow::data::synthetic::Teacher;
use gradflow::experiment::{Slopes, lazy_limit, lazy_table};
use gradflow::figure::Figure;
use gradflow::prelude::*;
use std::path::Path;

fn draw<H: Differentiable>(
    name: &str,
    map: H,
    start: Vec<f64>,
    data: &Dataset,
    order: i32,
) -> Result<()> {
    let alphas: Vec<f64> =
        (0..=12).map(|k| 10_f64.powf(0.5 * f64::from(k))).chain([f64::INFINITY]).collect();
    let flow = Flow::new(map, Square::to(data.targets_sample_major()), start);
    let runs = lazy_limit(&flow, &alphas, &Gap::default(), &logarithmic(1e-3, 100.0, 100))?;
    let found = Slopes::of(&runs);
    let show = |slope: Option<f64>| slope.map_or("none".into(), |s| format!("{s:.3}"));
    let (u, e, s) = (show(found.displacement), show(found.weights_gap), show(found.outputs_gap));
    println!("{name}: slopes {u} of ‖w − w₀‖, {e} of ‖w − w̄‖, {s} of ‖y − ȳ‖");
    let table = lazy_table(&runs)?
        .note("model", format!("two-layer tanh network, 1/√m, {name}"))
        .note("data", data.source())
        .note("loss", flow.loss.name())
        .note("horizon", 100)
        .note("rtol", "1e-8")
        .note("seed", 1)
        .note("outputs_order", order);
    let path = Path::new("figures").join(if order == 1 {
        "lazy_limit.svg"
    } else {
        "lazy_limit_doubled.svg"
    });
    table.write(&path.with_extension("csv"))?;
    Figure::named("lazy-limit")?.draw(&table, &path)
}

fn main() -> Result<()> {
    let data = Teacher::seeded(3, 1)?.train_and_test(10, 1)?.0;
    let net = TwoLayer { width: 32, ..TwoLayer::default() }.on(data.inputs().clone())?;
    let mut generator = Generator::seeded(1);
    let w0 = Initialization::Gaussian(1.0).weights(&net, &mut || generator.gaussian());
    draw("centred", Centred::at(&net, &w0), w0.clone(), &data, 1)?;
    draw("doubled", Doubled(&net), Doubled::<Network>::start(&w0), &data, 2)
}
