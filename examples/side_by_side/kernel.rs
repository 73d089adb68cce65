//! The tangent kernel of a network: `two`, the tanh network of P3 on its 1000 samples, or `mlp`, 100-256-256-256-1 on
//! 500 of them, times ten. `rel_diff` compares rows with products J (Jᵀ eᵢ), the plain way.

use super::Arguments;
use super::clock::{resident_megabytes, shortest};
use gradflow::model::{Differentiable, Network, Parametrization, Scaling};
use gradflow::prelude::*;
use serde_json::{Value, json};

/// Rows of the kernel that are compared.
const ROWS: usize = 16;

pub(crate) fn measure(arguments: &Arguments, net: &str) -> Result<Value> {
    let inputs = arguments.array("P3_X")?;
    let (network, start) = if net == "mlp" {
        let inputs = 10.0 * inputs.columns(0, 500);
        let net = Mlp {
            hidden: vec![256, 256, 256],
            parametrization: Parametrization::Standard,
            ..Mlp::default()
        };
        (net.on(inputs)?, arguments.array("P4_w0")?)
    } else {
        let scaling = Scaling::InverseSqrtWidth;
        (
            TwoLayer { width: 1000, scaling, ..TwoLayer::default() }.on(inputs)?,
            arguments.array("P3_w0")?,
        )
    };
    let start = start.as_slice();
    let mut kernel = None;
    let (cpu, wall) = shortest(arguments.repeats, || {
        // A clone forgets what the network remembered: every repeat does all of the work.
        kernel = Some(network.clone().kernel(start));
        Ok(())
    })?;
    let resident = resident_megabytes();
    let apart = kernel.map(|kernel| {
        let rows = (0..ROWS).map(|i| i * kernel.nrows() / ROWS);
        rows.map(|i| apart(&network, start, i, kernel.column(i).as_slice())).fold(0.0, f64::max)
    });
    Ok(json!({
        "problem": "P4",
        "net": net,
        "peer": "gradflow",
        "cpu_min": cpu,
        "wall_min": wall,
        "rel_diff": apart,
        "rss_mb": resident,
    }))
}

/// ‖row i − J (Jᵀ eᵢ)‖/‖row i‖.
fn apart(network: &Network, start: &[f64], i: usize, row: &[f64]) -> f64 {
    let (mut unit, mut gradient) = (vec![0.0; row.len()], vec![0.0; start.len()]);
    unit[i] = 1.0;
    network.vjp(start, &unit, &mut gradient);
    let mut plain = vec![0.0; row.len()];
    network.jvp(start, &gradient, &mut plain);
    let norm = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>().sqrt();
    norm(&mut plain.iter().zip(row).map(|(a, b)| a - b)) / norm(&mut row.iter().copied())
}
