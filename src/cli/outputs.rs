//! Where results go: checked before anything is solved.

use super::options::{OutputOptions, ProblemOptions};
use crate::figure::Figure;
use crate::{Error, Result, files};
use std::path::{Path, PathBuf};

/// All files to be written, before hours are spent on what goes into them.
pub(super) fn check_files(
    options: &OutputOptions,
    problem: &ProblemOptions,
    default: &str,
) -> Result<()> {
    let figure = figure_path(options, default);
    if let Some(path) = &figure {
        Figure::check_ending(path)?;
    }
    let numbers = figure.as_ref().map(|path| path.with_extension("csv"));
    if options.csv.is_some() && options.csv == numbers {
        return Err(Error::Conflict {
            found: "--csv names the file that holds the figure's numbers".into(),
            remedy: "give the paths another name, or --no-figure".into(),
        });
    }
    let given = options.figure.as_ref().and(numbers.as_ref());
    for path in options.csv.iter().chain(&options.figure).chain(given) {
        refuse_existing(path, options.overwrite)?;
    }
    for path in options.csv.iter().chain(&figure).chain(&numbers) {
        refuse_data_file(path, problem)?;
        files::refuse_special(path)?;
    }
    Ok(())
}

/// Data are never overwritten by results, whatever is asked for: `--data flats.csv --figure flats.svg` would.
pub(super) fn refuse_data_file(path: &Path, problem: &ProblemOptions) -> Result<()> {
    let Ok(place) = path.canonicalize() else { return Ok(()) };
    let words = [&problem.data, &problem.target].into_iter().flatten();
    let mut read = words.flat_map(|text| text.split(',').chain([text.as_str()]));
    if read.any(|name| Path::new(name.trim()).canonicalize().is_ok_and(|file| file == place)) {
        return Err(Error::Conflict {
            found: format!("{} holds the data and would be overwritten by results", path.display()),
            remedy: "give the results another name (a figure's numbers go into the .csv beside it)"
                .into(),
        });
    }
    Ok(())
}

/// Where the figure goes, if one is drawn.
pub(super) fn figure_path(options: &OutputOptions, default: &str) -> Option<PathBuf> {
    let usual = || (!options.no_figure && !options.json).then(|| PathBuf::from(default));
    options.figure.clone().or_else(usual)
}

/// Explicitly named files are not overwritten unless told to.
pub(super) fn refuse_existing(path: &Path, overwrite: bool) -> Result<()> {
    if path.exists() && !overwrite {
        return Err(Error::Conflict {
            found: format!("{} exists", path.display()),
            remedy: "give --overwrite, or another name".into(),
        });
    }
    Ok(())
}
