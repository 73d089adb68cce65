//! From words to data: files, columns, classes, and the data of the main job.

use super::options::ProblemOptions;
use crate::data::synthetic::Teacher;
use crate::data::{Dataset, Request, cifar};
use crate::loss::LossName;
use crate::{Error, Result};
use std::path::PathBuf;

/// Data of the README's main job: the paper's teacher–student problem, small.
const TEACHER_DIMENSION: usize = 5;
const TEACHER_SAMPLES: usize = 20;

/// Options that speak of a data file make no sense without one.
pub(super) fn refuse_without_data(options: &ProblemOptions, wishes: &[(&str, bool)]) -> Result<()> {
    match wishes.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((wish, _)) => Err(Error::Conflict {
            found: format!("--{wish} with --model {} and without data", options.model.trim()),
            remedy: format!("give --data FILE, or leave --{wish} out"),
        }),
    }
}

pub(super) fn default_data(options: &ProblemOptions) -> Result<Dataset> {
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
pub(super) fn data(options: &ProblemOptions, loss: LossName) -> Result<Option<Dataset>> {
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

pub(super) fn scaled(data: Dataset, word: &str) -> Result<Dataset> {
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
