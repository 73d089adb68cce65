//! Figures: pictures of tables.
//!
//! A figure reads columns of a [`Table`] and says what is to be seen (`picture`); one page layout draws them all
//! (`page`), in one look (`style`). The file is a pure function of the table: drawing again changes no byte.
//!
//! To add a figure: a file with its `picture(&Table) -> Result<Picture>`, and an entry in [`FIGURES`].

mod bounds;
mod canvas;
mod kappa;
mod page;
mod paths;
mod picture;
mod rates;
mod scaling;
mod style;

pub use style::{number_label, power_of_ten};

use crate::experiment::Table;
use crate::{Error, Result, files};
use picture::Picture;
use std::path::Path;

/// A kind of picture: what it shows and what it needs.
#[derive(Debug, Clone, Copy)]
pub struct Figure {
    /// The word that names it on the command line.
    pub name: &'static str,
    /// What it shows, in one sentence.
    pub caption: &'static str,
    /// The columns its table must have.
    pub columns: &'static [&'static str],
    picture: fn(&Table) -> Result<Picture>,
}

/// All figures.
pub const FIGURES: &[Figure] = &[
    Figure {
        name: "lazy-limit",
        caption: "How the gap between a flow and its linearization falls with the scale α",
        columns: rates::COLUMNS,
        picture: rates::picture,
    },
    Figure {
        name: "paths",
        caption: "A flow and its linearization in time: losses above, distances below",
        columns: paths::COLUMNS,
        picture: paths::picture,
    },
    Figure {
        name: "kappa-width",
        caption: "The laziness κ of two-layer networks against their width, for four output scalings",
        columns: kappa::COLUMNS,
        picture: kappa::picture,
    },
    Figure {
        name: "divergence-bounds",
        caption: "How far a flow and its linearization come apart, under the bounds of the paper and our own",
        columns: bounds::COLUMNS,
        picture: bounds::picture,
    },
    Figure {
        name: "scaling",
        caption: "What a step of a solve costs against the number of parameters and of samples",
        columns: scaling::COLUMNS,
        picture: scaling::picture,
    },
];

impl Figure {
    /// The figure called `name`.
    ///
    /// # Errors
    /// [`Error::Unknown`] with the nearest name.
    pub fn named(name: &str) -> Result<&'static Figure> {
        FIGURES
            .iter()
            .find(|figure| figure.name == name)
            .ok_or_else(|| Error::unknown("figure", name, FIGURES.iter().map(|figure| figure.name)))
    }

    /// Whether `path` ends as a picture that can be drawn.
    ///
    /// # Errors
    /// [`Error::Unknown`] for another ending.
    pub fn check_ending(path: &Path) -> Result<()> {
        Figure::ending(path).map(|_| ())
    }

    fn ending(path: &Path) -> Result<String> {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or("");
        let ending = ending.to_ascii_lowercase();
        if ["svg", "png"].contains(&ending.as_str()) {
            return Ok(ending);
        }
        Err(Error::unknown("picture format", &ending, ["svg", "png"]))
    }

    /// Whether `table` has anything to draw: a positive finite value that fits a log axis.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a missing column.
    pub fn has_content(&self, table: &Table) -> Result<bool> {
        Ok(!(self.picture)(table)?.is_empty())
    }

    /// Draws `table` to `path`, whole or not at all: as SVG, or as PNG where the name ends in `.png`.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a missing column or another file ending, [`Error::Figure`] where there is nothing to
    /// draw, [`Error::Io`] where the file cannot be written.
    pub fn draw(&self, table: &Table, path: &Path) -> Result<()> {
        let ending = Figure::ending(path)?;
        let problem = |problem: String| Error::Figure { path: path.into(), problem };
        for name in self.columns {
            table.column(name)?;
        }
        let picture = (self.picture)(table)?;
        if picture.is_empty() {
            return Err(problem(format!(
                "the table has {} rows and no positive finite value in {}; nothing fits a log axis",
                table.len(),
                self.columns.join(", ")
            )));
        }
        if ending == "png" {
            return files::replace(path, |file| page::write_png(&picture, file).map_err(problem));
        }
        files::write_whole(path, page::svg(&picture).map_err(problem)?.as_bytes())
    }
}
