//! `gradflow constants`: what theorems ask of a model at its start, with the evidence for each number.

use super::options::ProblemOptions;
use super::problem::{self, Needs, Problem, Zero};
use super::words::real;
use super::{alphas, json, report, stdout_error};
use crate::constants::{
    Enclosure, Laziness, Neighbourhood, OneStep, PartLaziness, Spectrum, by_block, by_sample,
    homogeneity, width_exponent,
};
use crate::device;
use crate::flow::Flow;
use crate::loss::Loss;
use crate::model::{Differentiable, Shape, Structure};
use crate::{Error, Result};
use clap::Args;
use serde_json::{Value, json};
use std::io::Write;
use std::ops::Range;

/// Work, in outputs squared times parameters, up to which κ is broken down by sample.
const BY_SAMPLE: f64 = 1e7;
/// Outputs times parameters up to which κ is broken down by layer, and constants are sought at all.
const BY_LAYER: f64 = 1e6;
const LARGEST: f64 = 2e7;
/// Scales at which the law of κ in α is shown.
const SCALES: [f64; 5] = [1.0, 10.0, 100.0, 1e3, 1e4];
/// Init scales at which the law of κ for homogeneous models is shown.
const INIT_SCALES: [f64; 4] = [1.0, 2.0, 4.0, 8.0];

/// What to take the constants of, and where.
#[derive(Debug, Args)]
pub(super) struct ConstantsOptions {
    #[command(flatten)]
    problem: ProblemOptions,
    /// Radius of the ball around the start on which Lip(h) and Lip(Dh) hold.
    #[arg(long, value_name = "R", value_parser = real, allow_hyphen_values = true, default_value = "0.1", help_heading = "Ball")]
    radius: f64,
    /// The scale at which κ is taken: one number, or inf.
    #[arg(long, allow_hyphen_values = true, default_value = "1", help_heading = "Ball")]
    alpha: String,
    /// Print one JSON object instead of the table.
    #[arg(long, help_heading = "Output")]
    json: bool,
}

/// Everything found.
struct Findings<'a> {
    options: &'a ConstantsOptions,
    problem: &'a Problem,
    shape: Shape,
    alpha: f64,
    spectrum: &'a Spectrum,
    norm_hessian: Enclosure,
    lip_h: Enclosure,
    lip_jacobian: Enclosure,
    laziness: Option<Laziness>,
    one_step: Option<OneStep>,
    layers: Vec<PartLaziness>,
    samples: Option<Vec<PartLaziness>>,
    degree: Option<f64>,
}

pub(super) fn run(options: &ConstantsOptions, out: &mut dyn Write) -> Result<u8> {
    if !(options.radius >= 0.0 && options.radius.is_finite()) {
        return Err(Error::value("radius", options.radius, "a finite number of at least 0"));
    }
    let (scales, _) = alphas::alphas(&options.alpha)?;
    let [alpha] = scales[..] else {
        return Err(Error::value("α", &options.alpha, "one scale; gradflow flow takes several"));
    };
    let problem = problem::build(&options.problem, Needs { points: 2, targets: false })?;
    let (map, start) = problem.posed()?;
    let loss: &dyn Loss = &*problem.loss;
    let flow = Flow::new(&*map, loss, start).scaled(alpha);
    flow.initial_outputs()?;
    let near = Neighbourhood::of(&*map, &flow.start)?;
    let has_kappa = problem.has_targets && loss.minimizer().is_some();
    let shape = map.shape();
    #[allow(clippy::cast_precision_loss, reason = "sizes")]
    let size = shape.outputs as f64 * shape.params as f64;
    if size > LARGEST {
        return Err(too_large(shape));
    }
    let affordable = shape.outputs as f64 * size <= BY_SAMPLE;
    let samples = (has_kappa && affordable && shape.outputs > problem.per_sample)
        .then(|| by_sample(&flow, &near, problem.per_sample));
    let findings = Findings {
        options,
        problem: &problem,
        shape,
        alpha,
        spectrum: near.spectrum()?,
        norm_hessian: near.norm_hessian(),
        lip_h: near.lip_h(options.radius)?,
        lip_jacobian: near.lip_jacobian(options.radius),
        laziness: if has_kappa { Laziness::of(&flow, &near)? } else { None },
        one_step: problem.has_targets.then(|| OneStep::of(&flow, &near)).transpose()?,
        layers: if has_kappa && size <= BY_LAYER {
            by_block(&flow, &near, &layers(&*map))?
        } else {
            vec![]
        },
        samples: samples.transpose()?,
        degree: homogeneity(&*map, &flow.start),
    };
    if options.json {
        writeln!(out, "{:#}", object(&findings)).map_err(stdout_error)?;
    } else {
        write(&findings, out).map_err(stdout_error)?;
    }
    Ok(0)
}

fn too_large(shape: Shape) -> Error {
    Error::TooLarge {
        what: format!(
            "the constants of a model with p = {} and N = {}",
            shape.params, shape.outputs
        ),
        needed: format!("{} numbers in its Jacobian", shape.params.saturating_mul(shape.outputs)),
        limit: format!("{LARGEST:e}"),
        remedy: "take a narrower model (--width) or fewer samples (--samples)",
    }
}

/// The parameters of each layer of a network; of a doubled one, of its first half.
fn layers(map: &dyn Differentiable) -> Vec<(String, Range<usize>)> {
    match map.structure() {
        Structure::Network(net) => {
            let named = |(l, layer): (usize, &crate::model::Dense)| {
                (format!("layer {}", l + 1), layer.params())
            };
            net.layers().iter().enumerate().map(named).collect()
        }
        Structure::Difference(half) => layers(half),
        _ => vec![],
    }
}

fn object(found: &Findings<'_>) -> Value {
    let spectrum = found.spectrum;
    let part = |part: &PartLaziness| {
        json!({
            "name": part.name,
            "norm_jacobian": json::number(part.norm_jacobian),
            "norm_hessian": json::enclosure(&part.norm_hessian),
            "kappa": json::enclosure(&part.kappa),
        })
    };
    let step = found.one_step.map(|step| {
        json!({
            "objective_decrease": json::number(step.objective),
            "differential_change": json::number(step.differential),
            "ratio": json::number(step.ratio),
        })
    });
    json!({
        "norm_jacobian": json::number(spectrum.norm_jacobian.upper),
        "sigma_min": json::number(spectrum.sigma_min.lower),
        "sigma_min_positive": json::number(spectrum.sigma_min_positive.lower),
        "rank": spectrum.rank,
        "spectrum_evidence": spectrum.evidence,
        "norm_hessian": json::enclosure(&found.norm_hessian),
        "lip_h": json::enclosure(&found.lip_h),
        "lip_jacobian": json::enclosure(&found.lip_jacobian),
        "kappa": found.laziness.as_ref().map(|l| json::enclosure(&l.kappa())),
        "one_step": step,
        "kappa_by_layer": found.layers.iter().map(part).collect::<Vec<_>>(),
        "kappa_by_sample": found.samples.as_ref().map(|all| all.iter().map(part).collect::<Vec<_>>()),
        "homogeneity": found.degree,
        "kappa_width_exponent": found
            .problem
            .width_power
            .map(|a| width_exponent(a, found.problem.zero != Zero::None)),
        "kernel_eigenvalues": json::numbers(&spectrum.kernel_eigenvalues),
        "alpha": json::scale(found.alpha),
        "radius": found.options.radius,
        "params": found.shape.params,
        "outputs": found.shape.outputs,
        "model": found.problem.model,
        "zero": report::zero(found.problem.zero),
        "data": found.problem.data,
        "start": found.problem.origin,
        "loss": found.problem.loss_name.to_string(),
        "seed": found.options.problem.seed,
        "device": device::describe(),
        "crate_version": env!("CARGO_PKG_VERSION"),
        "conventions": {
            "norm_jacobian": "|Dh(w0)|, rounded up; sigma_min and sigma_min_positive are rounded down; all three \
                              certified where spectrum_evidence says so",
            "lower": "attained at a sampled point", "upper": "certified; null where nothing can be certified",
            "kappa": "|alpha h(w0) - y*| |D2h(w0)| / (alpha |Dh(w0)|^2); null without targets or minimizer",
            "one_step": "per unit of step size: relative decrease of the objective, relative change of Dh, their ratio; \
                         the ratio is null at a stationary start",
        },
    })
}

/// `in [1.234500, 1.300000]`; `= 1.234500` where the ends agree to the digits shown.
fn range(found: &Enclosure) -> String {
    let Enclosure { lower, upper, .. } = *found;
    if !lower.is_finite() {
        return "does not exist".into();
    }
    if !upper.is_finite() {
        return format!("≥ {}", digits(lower));
    }
    if upper - lower <= 1e-7 * upper {
        return format!("= {}", digits(upper));
    }
    format!("in [{}, {}]", digits(lower), digits(upper))
}

/// `(norm jets; one evaluation of h)`, or why there is no upper bound.
fn how(found: &Enclosure) -> String {
    match found.cost() {
        "–" | "nothing" => format!("({})", found.method),
        cost => format!("({}; {cost})", found.method),
    }
}

/// Seven digits, as a power of ten where the number is very large or small.
fn digits(x: f64) -> String {
    match x {
        x if x.is_nan() => "–".into(),
        x if x.is_infinite() => "∞".into(),
        x if x == 0.0 || (1e-3..1e5).contains(&x) => format!("{x:.6}"),
        x => format!("{x:.6e}"),
    }
}

fn write(found: &Findings<'_>, out: &mut dyn Write) -> std::io::Result<()> {
    report::subject(found.problem, found.shape, out)?;
    let (spectrum, radius) = (found.spectrum, found.options.radius);
    writeln!(out, "\nAt w₀ ({})", spectrum.evidence)?;
    writeln!(out, "  ‖Dh(w₀)‖           {}", range(&spectrum.norm_jacobian))?;
    writeln!(out, "  σ_min              {}", range(&spectrum.sigma_min))?;
    writeln!(out, "  σ_min⁺             {}", range(&spectrum.sigma_min_positive))?;
    let eigenvalues = &spectrum.kernel_eigenvalues;
    let (first, last) =
        (eigenvalues.first().copied().unwrap_or(0.0), eigenvalues.last().copied().unwrap_or(0.0));
    writeln!(
        out,
        "  rank               {} of {}; kernel eigenvalues {} … {}",
        spectrum.rank,
        found.shape.outputs,
        digits(first),
        digits(last)
    )?;
    writeln!(
        out,
        "  ‖D²h(w₀)‖          {}   {}",
        range(&found.norm_hessian),
        how(&found.norm_hessian)
    )?;
    writeln!(
        out,
        "\nOn the ball of radius {} around w₀ (sampled from below, certified from above)",
        report::scale(radius)
    )?;
    writeln!(out, "  Lip(h)             {}", range(&found.lip_h))?;
    writeln!(
        out,
        "  Lip(Dh)            {}   {}",
        range(&found.lip_jacobian),
        how(&found.lip_jacobian)
    )?;
    let looseness = found.lip_jacobian.looseness();
    if looseness > 3.0 && looseness.is_finite() {
        let times =
            if looseness < 1e4 { format!("{looseness:.1}") } else { format!("{looseness:.1e}") };
        writeln!(
            out,
            "  The certificate is {times} times what sampling finds: a smaller radius (a larger α) tightens it."
        )?;
    }
    laziness(found, out)
}

fn laziness(found: &Findings<'_>, out: &mut dyn Write) -> std::io::Result<()> {
    let alpha = report::scale(found.alpha);
    writeln!(out, "\nLaziness at α = {alpha}")?;
    match &found.laziness {
        Some(lazy) => {
            writeln!(out, "  κ                  {}", range(&lazy.kappa()))?;
            let law = SCALES
                .map(|a| format!("{}: {}", report::scale(a), short(&lazy.at_scale(a))))
                .join("   ");
            writeln!(
                out,
                "  κ by α             {law}   ∞: {}",
                short(&lazy.at_scale(f64::INFINITY))
            )?;
            let exists = lazy.kappa().lower.is_finite();
            if let Some(a) = found.problem.width_power.filter(|_| exists) {
                let symmetrized = found.problem.zero != Zero::None;
                let power = width_exponent(a, symmetrized);
                writeln!(
                    out,
                    "  κ by width m       ∝ m^{power} as m grows, on average over starts (scaling m^{})",
                    if a == 0.0 { 0.0 } else { -a }
                )?;
            }
            if let Some(q) = found.degree {
                let law = INIT_SCALES
                    .map(|l| format!("{}: {}", report::scale(l), short(&lazy.at_init_scale(q, l))))
                    .join("   ");
                let faster = report::scale(2.0 * q - 2.0);
                writeln!(
                    out,
                    "  κ by init scale λ  {law}   (h is {q}-homogeneous; time runs λ^{faster} times as fast)"
                )?;
            }
        }
        None => {
            let why = match found.problem.has_targets {
                false => "no targets were given, and κ needs ‖αh(w₀) − y*‖ (--target)".to_string(),
                true => format!(
                    "the loss {} has no minimizer, and κ needs one",
                    found.problem.loss_name
                ),
            };
            writeln!(out, "  {why}")?;
        }
    }
    if found.one_step.is_some_and(|step| step.objective == 0.0) {
        writeln!(out, "  one step η → 0     the gradient at the start is zero: nothing moves")?;
    } else if let Some(step) = found.one_step {
        writeln!(
            out,
            "  one step η → 0     Δ(F) = {} η, Δ(Dh) = {} η, Δ(Dh)/Δ(F) = {}",
            digits(step.objective),
            digits(step.differential),
            digits(step.ratio)
        )?;
    }
    parts("By layer", &found.layers, out)?;
    if let Some(samples) = &found.samples {
        let mut worst: Vec<PartLaziness> = samples.clone();
        worst.sort_by(|a, b| b.kappa.lower.total_cmp(&a.kappa.lower));
        let shown = worst.len().min(5);
        let title = format!("By sample, the {shown} least lazy of {}", worst.len());
        parts(&title, &worst[..shown], out)?;
    }
    Ok(())
}

fn short(kappa: &Enclosure) -> String {
    if !kappa.lower.is_finite() {
        return "–".into();
    }
    if kappa.upper.is_finite() {
        format!("≤ {:.2e}", kappa.upper)
    } else {
        format!("≥ {:.2e}", kappa.lower)
    }
}

fn parts(title: &str, parts: &[PartLaziness], out: &mut dyn Write) -> std::io::Result<()> {
    if parts.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title}")?;
    for part in parts {
        writeln!(
            out,
            "  {:<18} κ {}, ‖Dh‖ = {:.4e}, ‖D²h‖ {}",
            part.name,
            range(&part.kappa),
            part.norm_jacobian,
            range(&part.norm_hessian)
        )?;
    }
    Ok(())
}
