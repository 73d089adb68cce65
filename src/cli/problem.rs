//! From words to a problem: data, model, loss and start.

use super::alphas::numbers;
use super::dataset::{data, default_data, refuse_without_data, scaled};
use super::options::ProblemOptions;
use super::sizes;
use crate::data::Dataset;
use crate::loss::{Loss, LossName};
use crate::model::{
    Activation, Centred, Differentiable, Doubled, Formula, Initialization, Mlp, Model, Network,
    Parametrization, Scaling, Shape, TwoLayer,
};
use crate::random::Generator;
use crate::{Error, Result};
use nalgebra::DMatrix;
use std::path::PathBuf;

/// The way to h(w₀) = 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zero {
    None,
    Centred,
    Doubled,
}

impl Zero {
    fn named(name: &str) -> Result<Zero> {
        match name {
            "none" => Ok(Zero::None),
            "centred" | "centered" => Ok(Zero::Centred),
            "doubled" => Ok(Zero::Doubled),
            _ => Err(Error::unknown("way to h(w₀) = 0", name, ["centred", "doubled", "none"])),
        }
    }
}

/// What a command asks of a problem beyond the problem itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Needs {
    /// Times at which paths are kept.
    pub(super) points: usize,
    /// Whether targets must be given.
    pub(super) targets: bool,
}

/// Everything a flow is made of but α.
pub(super) struct Problem {
    pub(super) map: Box<dyn Differentiable>,
    pub(super) loss: Box<dyn Loss>,
    /// w₀ of `map`, before doubling.
    pub(super) start: Vec<f64>,
    pub(super) zero: Zero,
    /// The model, the data and where the start comes from, in words.
    pub(super) model: String,
    pub(super) data: String,
    pub(super) origin: String,
    pub(super) loss_name: LossName,
    /// k, the outputs of one sample.
    pub(super) per_sample: usize,
    /// Whether --width means something.
    pub(super) is_network: bool,
    /// a of a two-layer network's scaling m^(−a).
    pub(super) width_power: Option<f64>,
    /// Whether there are targets; without them the loss is one to 0, and no number that depends on it means anything.
    pub(super) has_targets: bool,
}

impl Problem {
    /// The model as it is trained, centred or doubled if so asked, and its start.
    pub(super) fn posed(&self) -> Result<(Box<dyn Differentiable + '_>, Vec<f64>)> {
        let base: &dyn Differentiable = &*self.map;
        Ok(match self.zero {
            Zero::None => (Box::new(base), self.start.clone()),
            Zero::Centred => {
                check_start(base, &self.start)?;
                (Box::new(Centred::at(base, &self.start)), self.start.clone())
            }
            Zero::Doubled => {
                (Box::new(Doubled(base)), Doubled::<&dyn Differentiable>::start(&self.start))
            }
        })
    }
}

/// The length of the start, before a model is evaluated there.
fn check_start(map: &dyn Differentiable, start: &[f64]) -> Result<()> {
    let params = map.shape().params;
    if start.len() == params {
        return Ok(());
    }
    Err(Error::Shape {
        what: "start w₀".into(),
        found: format!("{} numbers", start.len()),
        wanted: format!("{params}, one per parameter of the model"),
        remedy: "give --start as many numbers, or leave it out to draw them",
    })
}

const NETWORKS: [&str; 2] = ["two-layer", "mlp"];

pub(super) fn build(options: &ProblemOptions, needs: Needs) -> Result<Problem> {
    let loss_name = LossName::parse(&options.loss)?;
    let is_network = NETWORKS.contains(&options.model.as_str());
    if !is_network && looks_like_a_name(&options.model) {
        let formula = "or a formula with operators or functions, as w1*tanh(w2*x)";
        let known = NETWORKS.into_iter().chain([formula]);
        return Err(Error::unknown("model", &options.model, known));
    }
    let zero = match &options.zero {
        Some(way) => Zero::named(way)?,
        None if is_network => Zero::Centred,
        None => Zero::None,
    };
    let data = match data(options, loss_name)? {
        None if is_network => Some(default_data(options)?),
        given => given,
    };
    let data = data.map(|data| scaled(data, &options.scale)).transpose()?;
    let generator = Generator::seeded(options.seed).split("weights");
    let problem = match &data {
        Some(data) if is_network => network(options, needs, data, loss_name, zero, generator),
        data => formula(options, needs, data.as_ref(), loss_name, zero, generator),
    };
    problem.map_err(|error| named_after_file(options, error))
}

/// A word where a formula would have operators, or digits: `two-layr`, `mlp3`, but not `a`, `a-b` or `w1-w2`.
fn looks_like_a_name(model: &str) -> bool {
    let part_of_a_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if model.len() < 2 || !model.chars().all(part_of_a_word) {
        return false;
    }
    let letters = model.chars().all(|c| c.is_ascii_alphabetic() || c == '-' || c == '_');
    let word = !model.contains('-') || model.split('-').any(|part| part.len() > 2);
    let known = NETWORKS.map(String::from);
    (letters && word) || (model.len() > 3 && !crate::error::nearest(model, &known).is_empty())
}

/// A label that came from a file: a fault of the data, in that file.
fn named_after_file(options: &ProblemOptions, error: Error) -> Error {
    match (&options.data, error) {
        (Some(file), Error::Label { sample, value, wanted }) => Error::Data {
            path: PathBuf::from(file),
            place: format!("sample {sample} (counting from 0)"),
            problem: format!("label {value}: wanted {wanted}"),
        },
        (_, error) => error,
    }
}

fn network(
    options: &ProblemOptions,
    needs: Needs,
    data: &Dataset,
    loss_name: LossName,
    zero: Zero,
    mut generator: Generator,
) -> Result<Problem> {
    refuse_options_of_others(options)?;
    let outputs = outputs_per_sample(data, loss_name);
    let activation = Activation::parse(&options.activation)?;
    let initialization = Initialization::parse(&options.init)?;
    let mut width_power = None;
    let (net, words): (Network, String) = if options.model == "two-layer" {
        let word = options.scaling.as_deref().unwrap_or("1/sqrt(m)");
        let scaling = scaling(word)?;
        width_power = Some(match scaling {
            Scaling::One => 0.0,
            Scaling::InverseSqrtWidth => 0.5,
            Scaling::InverseWidth => 1.0,
        });
        let layers =
            TwoLayer { width: options.width, outputs, activation, biases: options.biases, scaling };
        (
            layers.on(data.inputs().clone())?,
            format!("two-layer, width {}, scaling {word}", options.width),
        )
    } else {
        let word = options.parametrization.as_deref().unwrap_or("ntk");
        let parametrization = Parametrization::parse(word)?;
        let depth = options.depth.unwrap_or(2);
        if depth == 0 || depth > 1000 {
            return Err(Error::value("depth", depth, "between 1 and 1000 hidden layers"));
        }
        let hidden = vec![options.width; depth];
        let layers = Mlp { hidden, outputs, activation, biases: options.biases, parametrization };
        let words =
            format!("mlp, {depth} hidden layers of {}, {word} parametrization", options.width);
        (layers.on(data.inputs().clone())?, words)
    };
    let ways = if zero == Zero::Doubled { 2 } else { 1 };
    let Shape { params, outputs: all } = net.shape();
    sizes::check(needs.points, Shape { params: ways * params, outputs: all })?;
    let (start, origin) = match &options.start {
        Some(text) => (numbers("start", text)?, "given".to_string()),
        None => {
            let weights = initialization.weights(&net, &mut || generator.gaussian());
            (weights, format!("{}, seed {}", options.init, options.seed))
        }
    };
    let biases = if options.biases { ", biases" } else { "" };
    Ok(Problem {
        loss: loss_name.build(data.targets(), outputs)?,
        map: Box::new(net),
        start,
        zero,
        model: format!("{words}, {}{biases}", options.activation),
        data: data.source().to_string(),
        origin,
        loss_name,
        per_sample: outputs,
        is_network: true,
        width_power,
        has_targets: true,
    })
}

/// What is asked of a kind of model must not be dropped in silence because the model is of another kind.
fn refuse_options_of_others(options: &ProblemOptions) -> Result<()> {
    let of_mlp = [
        ("depth", options.depth.is_some()),
        ("parametrization", options.parametrization.is_some()),
    ];
    let of_two_layer = [("scaling", options.scaling.is_some())];
    let (others, kind) = match options.model.as_str() {
        "two-layer" => (&of_mlp[..], "mlp"),
        "mlp" => (&of_two_layer[..], "two-layer"),
        _ => return Ok(()),
    };
    let Some((name, _)) = others.iter().find(|(_, given)| *given) else { return Ok(()) };
    Err(Error::Conflict {
        found: format!("--{name} with --model {}, which has none", options.model),
        remedy: format!("give --model {kind} as well, or leave --{name} out"),
    })
}

/// α(m) as people write it.
fn scaling(word: &str) -> Result<Scaling> {
    match word {
        "1" => Ok(Scaling::One),
        "1/sqrt(m)" | "1/√m" => Ok(Scaling::InverseSqrtWidth),
        "1/m" => Ok(Scaling::InverseWidth),
        _ => Err(Error::unknown("scaling", word, ["1", "1/sqrt(m)", "1/m"])),
    }
}

/// k: rows of the targets, or for class indices the number of classes.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked when the loss is built"
)]
fn outputs_per_sample(data: &Dataset, loss: LossName) -> usize {
    let rows = data.targets().nrows();
    if rows == 1 && matches!(loss, LossName::CrossEntropy(_)) {
        // At least two: labels that are all 0 leave one class without samples.
        return data.targets().iter().fold(1.0_f64, |m, t| m.max(*t)).min(1e6) as usize + 1;
    }
    rows
}

fn formula(
    options: &ProblemOptions,
    needs: Needs,
    data: Option<&Dataset>,
    loss_name: LossName,
    zero: Zero,
    mut generator: Generator,
) -> Result<Problem> {
    let names: Vec<&str> =
        data.map_or(vec![], |d| d.input_names().iter().map(String::as_str).collect());
    let formula = Formula::parse(&options.model, &names)?;
    let (params, per_sample) = (formula.params().to_vec(), formula.outputs());
    let model = match data {
        Some(data) => formula.on(data.inputs())?,
        None => formula.without_inputs()?,
    };
    let no_targets = data.is_none() && options.target.is_none() && options.labels.is_none();
    let has_targets = needs.targets || !no_targets;
    let loss_name = if has_targets { loss_name } else { LossName::parse("square")? };
    let targets = match data {
        Some(data) => data.targets().clone(),
        None if !has_targets => DMatrix::zeros(model.shape().outputs, 1),
        None => {
            let wishes = [
                ("classes", options.classes.is_some()),
                ("inputs", options.inputs.is_some()),
                ("samples", options.samples.is_some()),
                ("scale", options.scale != "none"),
            ];
            refuse_without_data(options, &wishes)?;
            given_targets(options, loss_name, model.shape().outputs)?
        }
    };
    let (start, origin) = match &options.start {
        Some(text) => (numbers("start", text)?, "given".to_string()),
        None => {
            (generator.gaussians(params.len()), format!("standard normal, seed {}", options.seed))
        }
    };
    if start.len() != params.len() {
        return Err(Error::Shape {
            what: "start w₀".into(),
            found: format!("{} numbers", start.len()),
            wanted: format!("{}, for {}", params.len(), params.join(", ")),
            remedy: "give --start a number for each parameter, in this order",
        });
    }
    Ok(Problem {
        loss: loss_name.build(&targets, per_sample)?,
        map: Box::new(model.auto()),
        start,
        zero,
        model: format!("formula {} in {}", options.model.trim(), params.join(", ")),
        data: data
            .map_or_else(|| "targets from the command line".into(), |d| d.source().to_string()),
        origin,
        loss_name,
        per_sample,
        is_network: false,
        width_power: None,
        has_targets,
    })
}

/// Targets or labels from the command line: one sample, a target per output.
fn given_targets(options: &ProblemOptions, loss: LossName, outputs: usize) -> Result<DMatrix<f64>> {
    let (name, text) = match (&options.target, &options.labels) {
        (Some(text), _) => ("target", text),
        (None, Some(text)) => ("labels", text),
        (None, None) => {
            return Err(Error::Conflict {
                found: "a formula without targets".into(),
                remedy: format!(
                    "give --target (or --labels) {outputs} numbers, or --data FILE --target COLUMN"
                ),
            });
        }
    };
    let values = numbers(name, text)?;
    let class = matches!(loss, LossName::CrossEntropy(_)) && values.len() == 1;
    if values.len() != outputs && !class {
        return Err(Error::Shape {
            what: format!("--{name}"),
            found: format!("{} numbers", values.len()),
            wanted: format!("{outputs}, one per output of the model"),
            remedy: "give as many numbers as the formula has outputs (parts between `;`)",
        });
    }
    Ok(DMatrix::from_vec(values.len(), 1, values))
}
