//! The one error of the crate. Every message says what was found, what was wanted and what to do.

use std::path::PathBuf;

/// What can go wrong. Fields carry the facts; [`Error::exit_code`] is what the command returns.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Two lengths that must agree do not.
    #[error("{what}: found {found}, wanted {wanted}; {remedy}")]
    Shape {
        /// The quantity whose length is wrong, in words.
        what: String,
        /// Its length or shape as found.
        found: String,
        /// The length or shape that fits, and why.
        wanted: String,
        /// What the user can do.
        remedy: &'static str,
    },
    /// A number that must be finite is not, or lies outside its range.
    #[error("{name} = {value}: wanted {wanted}")]
    Value {
        /// The number's name, with its index where it has one.
        name: String,
        /// The number as found.
        value: String,
        /// The admissible values, and where needed the remedy.
        wanted: String,
    },
    /// A word that is not in its list.
    #[error("unknown {kind} `{found}`{}; known: {}", nearest(found, known), known.join(", "))]
    Unknown {
        /// What the word should name: a model, a loss, a solver...
        kind: &'static str,
        /// The word as found.
        found: String,
        /// The legal words.
        known: Vec<String>,
    },
    /// Two wishes that cannot both be met.
    #[error("{found}; {remedy}")]
    Conflict {
        /// The wishes and why they exclude each other.
        found: String,
        /// What the user can do.
        remedy: String,
    },
    /// A formula that cannot be read.
    #[error("formula, column {column}: {problem}\n  {formula}\n  {caret:>width$}", caret = "^", width = *column)]
    Formula {
        /// The formula as given (shortened where it is long, with `column` counting in the shortened text).
        formula: String,
        /// Column of the mistake, counted in characters from 1.
        column: usize,
        /// What was found, what was wanted.
        problem: String,
    },
    /// A data file whose content cannot be used.
    #[error("{}: {place}: {problem}", path.display())]
    Data {
        /// The file.
        path: PathBuf,
        /// Line and column, record or byte offset.
        place: String,
        /// What was found, what was wanted, what to do.
        problem: String,
    },
    /// A label or target that the loss cannot use.
    #[error("label of sample {sample} (counting from 0) is {value}: wanted {wanted}")]
    Label {
        /// The sample, counting from 0.
        sample: usize,
        /// The label as found.
        value: String,
        /// The admissible labels, and where needed the remedy.
        wanted: String,
    },
    /// A file that cannot be read or written.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Read, write, create...
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// A solve that did not finish.
    #[error("{failure} at t = {time:.6e}: {detail}")]
    Integration {
        /// Which way it failed.
        failure: Failure,
        /// Time reached, in units of the flow.
        time: f64,
        /// The numbers that belong to it, and what to do.
        detail: String,
    },
    /// A size refused before starting.
    #[error("{what} needs {needed}, the limit is {limit}; {remedy}")]
    TooLarge {
        /// What would have been made.
        what: String,
        /// Its size.
        needed: String,
        /// The largest size accepted.
        limit: String,
        /// What the user can do.
        remedy: &'static str,
    },
    /// A device for large products that does not answer or does not do.
    #[error("device {device}: found {found}; wanted {wanted}; {remedy}")]
    Device {
        /// The device asked for.
        device: &'static str,
        /// Its driver and what that said.
        found: String,
        /// What would do.
        wanted: String,
        /// What the user can do.
        remedy: &'static str,
    },
    /// A picture that could not be drawn.
    #[error("{}: cannot draw: {problem}", path.display())]
    Figure {
        /// Where the picture was to be written.
        path: PathBuf,
        /// What the drawing library said.
        problem: String,
    },
}

/// How a solve can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The model or the loss is not finite where the flow goes.
    DomainLeft,
    /// The displacement grows without bound in finite time.
    BlowUp,
    /// The step size fell below what the clock can resolve.
    StepTooSmall,
    /// Newton's iteration does not converge at any step size tried.
    NonlinearSolve,
    /// The budget of steps or of seconds is spent.
    TooMuchWork,
    /// The tolerance lies below what double precision reaches here.
    TooMuchAccuracy,
    /// An infinite horizon was asked for, and the flow has not come to rest.
    NotConverged,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Failure::DomainLeft => "the flow leaves the domain of the model",
            Failure::BlowUp => "the flow blows up",
            Failure::StepTooSmall => "the step size became too small",
            Failure::NonlinearSolve => "Newton's iteration failed",
            Failure::TooMuchWork => "the work budget is spent",
            Failure::TooMuchAccuracy => "the tolerance cannot be reached",
            Failure::NotConverged => "the flow has not come to rest",
        })
    }
}

impl Error {
    /// The exit code of the command: 1 numerical failure, 2 usage, 3 data, 4 input or output, 5 a size
    /// refused or a device that does not answer.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Integration { .. } => 1,
            Error::Shape { .. } | Error::Value { .. } | Error::Unknown { .. } => 2,
            Error::Conflict { .. } | Error::Formula { .. } => 2,
            Error::Data { .. } | Error::Label { .. } => 3,
            Error::Io { .. } | Error::Figure { .. } => 4,
            Error::TooLarge { .. } | Error::Device { .. } => 5,
        }
    }

    pub(crate) fn value(
        name: impl Into<String>,
        value: impl ToString,
        wanted: impl Into<String>,
    ) -> Self {
        Error::Value { name: name.into(), value: short(value.to_string()), wanted: wanted.into() }
    }

    pub(crate) fn unknown<'a>(
        kind: &'static str,
        found: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Error::Unknown {
            kind,
            found: found.into(),
            known: known.into_iter().map(Into::into).collect(),
        }
    }
}

/// A number of hundreds of digits as a power of ten; everything else as it is.
fn short(value: String) -> String {
    match value.parse::<f64>() {
        Ok(x) if value.len() > 20 => format!("{x:e}"),
        _ => value,
    }
}

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// `, did you mean X?` where a legal word is close to the one found, up to upper and lower case.
pub(crate) fn nearest(found: &str, known: &[String]) -> String {
    let found = found.to_lowercase();
    known
        .iter()
        .map(|word| (edit_distance(&found, &word.to_lowercase()), word))
        .filter(|(distance, word)| {
            let length = word.chars().count();
            *distance <= length.div_ceil(3) && *distance < length
        })
        .min_by_key(|(distance, _)| *distance)
        .map_or_else(String::new, |(_, word)| format!(", did you mean `{word}`?"))
}

/// Levenshtein's distance, two letters exchanged counting once; words longer than 64 characters are far from
/// everything.
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len() > 64 || b.len() > 64 {
        return usize::MAX;
    }
    // Rows i − 2, i − 1 and i of the table of distances between beginnings.
    let mut older = vec![0; b.len() + 1];
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let replaced = above[j] + usize::from(x != y);
            let mut least = replaced.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && *y == a[i - 1] {
                least = least.min(older[j - 1] + 1);
            }
            row.push(least);
        }
        older = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_offered_only_when_it_is_near() {
        let known = ["square", "logistic"].map(String::from);
        assert_eq!(nearest("sqare", &known), ", did you mean `square`?");
        assert_eq!(nearest("entropy", &known), "");
        assert_eq!(nearest("bfd", &["bdf".to_string()]), ", did you mean `bdf`?");
        assert_eq!(nearest("Y", &["a", "y"].map(String::from)), ", did you mean `y`?");
        assert_eq!(nearest("z", &["a".to_string()]), "");
    }

    #[test]
    fn a_number_of_many_digits_is_written_as_a_power_of_ten() {
        let error = Error::value("α", 1e300, "less");
        assert_eq!(error.to_string(), "α = 1e300: wanted less");
    }

    #[test]
    fn the_caret_stands_under_the_column() {
        let error = Error::Formula { formula: "w1 +".into(), column: 4, problem: "no".into() };
        assert_eq!(error.to_string(), "formula, column 4: no\n  w1 +\n     ^");
    }
}
