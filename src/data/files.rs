//! Which reader a file gets, and what all readers share: regular files only, and of a bounded size.

use super::{Dataset, cifar::Cifar10, csv, npy};
use crate::{Error, Result};
use std::fs::File;
use std::path::{Path, PathBuf};

/// What to take from a data file; what a format does not know must stay empty.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// CSV: the columns to predict; at least one.
    pub targets: Vec<String>,
    /// CSV: the columns to predict from; all others where `None`.
    pub inputs: Option<Vec<String>>,
    /// npy: the file of targets beside the one of inputs.
    pub target_file: Option<PathBuf>,
    /// CIFAR-10: the classes, by number; all ten where empty.
    pub classes: Vec<u8>,
    /// At most this many samples, in the order of the file.
    pub samples: Option<usize>,
}

/// Reads a data file by its ending: `.csv` and `.tsv` by [`csv::read`], `.npy` by [`npy::dataset`], `.bin` as CIFAR-10.
///
/// # Errors
/// [`Error::Unknown`] for another ending, [`Error::Conflict`] for a wish that the format does not know; otherwise as
/// the readers.
pub fn open(path: &Path, request: &Request) -> Result<Dataset> {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let columns = !request.targets.is_empty() || request.inputs.is_some();
    let refuse = |given: bool, wish: &str, fits: &str| {
        if !given {
            return Ok(());
        }
        let found = format!("{} does not take {wish}", path.display());
        Err(Error::Conflict { found, remedy: format!("leave it out, or give a {fits} file") })
    };
    let data = match ending.as_str() {
        "csv" | "tsv" => {
            refuse(request.target_file.is_some(), "a second file of targets", ".npy")?;
            refuse(!request.classes.is_empty(), "class numbers", "CIFAR-10 .bin")?;
            csv::read(path, &request.targets, request.inputs.as_deref())?
        }
        "npy" => {
            refuse(columns, "column names", ".csv")?;
            refuse(!request.classes.is_empty(), "class numbers", "CIFAR-10 .bin")?;
            let targets = request.target_file.as_deref().ok_or_else(|| Error::Conflict {
                found: format!("{} holds inputs without targets", path.display()),
                remedy: "name the .npy file of targets, too".into(),
            })?;
            npy::dataset(path, targets)?
        }
        "bin" => {
            refuse(columns, "column names", ".csv")?;
            refuse(request.target_file.is_some(), "a second file of targets", ".npy")?;
            let images = Cifar10::default().of_classes(&request.classes)?;
            return match request.samples {
                Some(n) => images.at_most(n).read(&[path]),
                None => images.read(&[path]),
            };
        }
        _ => return Err(Error::unknown("data file ending", &ending, ["csv", "tsv", "npy", "bin"])),
    };
    match request.samples {
        Some(n) if n < data.samples() || n == 0 => data.subset(n),
        _ => Ok(data),
    }
}

/// An open regular file of at most `limit` bytes, and its size. Devices and pipes, which need not end, are refused.
pub(super) fn regular(path: &Path, limit: u64) -> Result<(File, u64)> {
    // Looked at first: opening a pipe may wait for ever.
    let meta = std::fs::metadata(path).map_err(|source| io(path, "read", source))?;
    if !meta.is_file() {
        return Err(fault(path, "file", "not a regular file; give the path of a data file"));
    }
    if meta.len() > limit {
        return Err(Error::TooLarge {
            what: format!("reading {}", path.display()),
            needed: format!("{} bytes", meta.len()),
            limit: format!("{limit} bytes"),
            remedy: "give a part of the file",
        });
    }
    let file = File::open(path).map_err(|source| io(path, "read", source))?;
    Ok((file, meta.len()))
}

pub(super) fn io(path: &Path, action: &'static str, source: std::io::Error) -> Error {
    Error::Io { path: path.into(), action, source }
}

pub(super) fn fault(path: &Path, place: impl Into<String>, problem: impl Into<String>) -> Error {
    Error::Data { path: path.into(), place: place.into(), problem: problem.into() }
}
