//! From words to a problem: data, model, loss and start.

use super::alphas::numbers;
use super::options::FlowOptions;
use super::sizes;
use crate::data::synthetic::Teacher;
use crate::data::{Dataset, Request, cifar};
use crate::loss::{Loss, LossName};
use crate::model::{
    Activation, Differentiable, Formula, Initialization, Mlp, Model, Network, Parametrization,
    Scaling, Shape, TwoLayer,
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
}

const NETWORKS: [&str; 2] = ["two-layer", "mlp"];

/// Data of the README's main job: the paper's teacher–student problem, small.
const TEACHER_DIMENSION: usize = 5;
const TEACHER_SAMPLES: usize = 20;

pub(super) fn build(options: &FlowOptions) -> Result<Problem> {
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
        Some(data) if is_network => network(options, data, loss_name, zero, generator),
        data => formula(options, data.as_ref(), loss_name, zero, generator),
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
fn named_after_file(options: &FlowOptions, error: Error) -> Error {
    match (&options.data, error) {
        (Some(file), Error::Label { sample, value, wanted }) => Error::Data {
            path: PathBuf::from(file),
            place: format!("sample {sample} (counting from 0)"),
            problem: format!("label {value}: wanted {wanted}"),
        },
        (_, error) => error,
    }
}

/// Options that speak of a data file make no sense without one.
fn refuse_without_data(options: &FlowOptions, wishes: &[(&str, bool)]) -> Result<()> {
    match wishes.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((wish, _)) => Err(Error::Conflict {
            found: format!("--{wish} with --model {} and without data", options.model.trim()),
            remedy: format!("give --data FILE, or leave --{wish} out"),
        }),
    }
}

fn default_data(options: &FlowOptions) -> Result<Dataset> {
    if options.target.is_some() || options.labels.is_some() {
        return Err(Error::Conflict {
            found: format!("--model {} with targets but no inputs", options.model),
            remedy: "give --data FILE, or a formula as --model".into(),
        });
    }
    let wishes = [("classes", options.classes.is_some()), ("inputs", options.inputs.is_some())];
    refuse_without_data(options, &wishes)?;
    let teacher = Teacher::seeded(TEACHER_DIMENSION, options.seed)?;
    let samples = options.samples.unwrap_or(TEACHER_SAMPLES);
    Ok(teacher.train_and_test(samples, 1)?.0)
}

/// The data asked for by --data.
fn data(options: &FlowOptions, loss: LossName) -> Result<Option<Dataset>> {
    let Some(file) = &options.data else { return Ok(None) };
    if options.labels.is_some() {
        return Err(Error::Conflict {
            found: "--labels beside --data".into(),
            remedy: "name the column of labels with --target".into(),
        });
    }
    let words = |text: &str| text.split(',').map(|w| w.trim().to_string()).collect::<Vec<_>>();
    let classes = options.classes.as_deref().map(class_numbers).transpose()?.unwrap_or_default();
    let files: Vec<PathBuf> = words(file).into_iter().map(PathBuf::from).collect();
    let ending = |kind: &str| {
        files.iter().all(|f| f.extension().is_some_and(|e| e.eq_ignore_ascii_case(kind)))
    };
    let data = if ending("bin") {
        for (wish, given) in
            [("target", options.target.is_some()), ("inputs", options.inputs.is_some())]
        {
            if given {
                return Err(Error::Conflict {
                    found: format!("{file} does not take --{wish}: its targets are its classes"),
                    remedy: format!("leave --{wish} out, or choose --classes"),
                });
            }
        }
        let by_index = matches!(loss, LossName::CrossEntropy(_));
        let encoding = if by_index { cifar::Encoding::Index } else { cifar::Encoding::Numbers };
        let images = cifar::Cifar10::default().of_classes(&classes)?.encoded(encoding).centred();
        match options.samples {
            Some(n) => images.at_most(n).read(&files)?,
            None => images.read(&files)?,
        }
    } else {
        let target = options.target.as_deref().unwrap_or_default();
        let is_npy = ending("npy");
        let request = Request {
            targets: if is_npy || target.is_empty() { vec![] } else { words(target) },
            inputs: options.inputs.as_deref().map(words),
            target_file: (is_npy && !target.is_empty()).then(|| PathBuf::from(target)),
            classes,
            samples: options.samples,
        };
        crate::data::open(&PathBuf::from(file), &request)?
    };
    Ok(Some(data))
}

fn scaled(data: Dataset, word: &str) -> Result<Dataset> {
    match word {
        "none" => Ok(data),
        "standardized" => Ok(data.standardized()),
        "normalized" => Ok(data.normalized()),
        _ => Err(Error::unknown("input scaling", word, ["none", "standardized", "normalized"])),
    }
}

fn class_numbers(text: &str) -> Result<Vec<u8>> {
    let parse = |word: &str| {
        let wanted = "class numbers from 0 to 9, separated by commas";
        word.trim().parse::<u8>().map_err(|_| Error::value("class", format!("`{word}`"), wanted))
    };
    text.split(',').map(parse).collect()
}

fn network(
    options: &FlowOptions,
    data: &Dataset,
    loss_name: LossName,
    zero: Zero,
    mut generator: Generator,
) -> Result<Problem> {
    let outputs = outputs_per_sample(data, loss_name);
    let activation = Activation::parse(&options.activation)?;
    let initialization = Initialization::parse(&options.init)?;
    let (net, words): (Network, String) = if options.model == "two-layer" {
        let scaling = scaling(&options.scaling)?;
        let layers =
            TwoLayer { width: options.width, outputs, activation, biases: options.biases, scaling };
        (
            layers.on(data.inputs().clone())?,
            format!("two-layer, width {}, scaling {}", options.width, options.scaling),
        )
    } else {
        let parametrization = parametrization(&options.parametrization)?;
        if options.depth == 0 || options.depth > 1000 {
            return Err(Error::value("depth", options.depth, "between 1 and 1000 hidden layers"));
        }
        let hidden = vec![options.width; options.depth];
        let layers = Mlp { hidden, outputs, activation, biases: options.biases, parametrization };
        let words = format!(
            "mlp, {} hidden layers of {}, {} parametrization",
            options.depth, options.width, options.parametrization
        );
        (layers.on(data.inputs().clone())?, words)
    };
    let ways = if zero == Zero::Doubled { 2 } else { 1 };
    let Shape { params, outputs: all } = net.shape();
    sizes::check(options, Shape { params: ways * params, outputs: all })?;
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

fn parametrization(word: &str) -> Result<Parametrization> {
    match word {
        "standard" => Ok(Parametrization::Standard),
        "ntk" => Ok(Parametrization::Ntk { sigma_w: 1.0, sigma_b: 1.0 }),
        _ => Err(Error::unknown("parametrization", word, ["standard", "ntk"])),
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
    options: &FlowOptions,
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
    let targets = match data {
        Some(data) => data.targets().clone(),
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
    })
}

/// Targets or labels from the command line: one sample, a target per output.
fn given_targets(options: &FlowOptions, loss: LossName, outputs: usize) -> Result<DMatrix<f64>> {
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
