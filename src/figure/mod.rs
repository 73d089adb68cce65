//! Figures: pictures of tables.
//!
//! A figure reads columns of a [`Table`] and says what is to be seen (`picture`); one page layout draws them all
//! (`page`), in one look (`style`). The file is a pure function of the table: drawing again changes no byte.
//!
//! To add a figure: a file with its `picture(&Table) -> Result<Picture>`, and an entry in [`FIGURES`].

mod axis;
mod bounds;
mod canvas;
mod conv_scales;
mod conv_spectrum;
mod conv_table;
mod depth;
mod double_descent;
mod fine_grained;
mod gallery;
mod initial_scale;
mod kappa;
mod page;
mod paths;
mod picture;
mod population;
mod random_kernels;
mod rates;
pub mod report;
mod scaling;
mod style;
mod trajectories;
mod underspecification;
mod wide_nets;
mod widths;

pub use gallery::{EXHIBITS, Exhibit, Outcome, program};
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
        name: "trajectories",
        caption: "The paths of neurons in the plane, from a small and a large start",
        columns: trajectories::COLUMNS,
        picture: trajectories::picture,
    },
    Figure {
        name: "initial-scale",
        caption: "Test loss against the scale of the start, and the linearization's",
        columns: initial_scale::COLUMNS,
        picture: initial_scale::picture,
    },
    Figure {
        name: "widths",
        caption: "Test loss against the width, for the scalings 1/√m and 1/m",
        columns: widths::COLUMNS,
        picture: widths::picture,
    },
    Figure {
        name: "population",
        caption: "Population loss by stochastic descent against the scale of the start",
        columns: population::COLUMNS,
        picture: population::picture,
    },
    Figure {
        name: "conv-scales",
        caption: "Accuracy and stability of a convolutional network against its scale",
        columns: conv_scales::ACCURACY_COLUMNS,
        picture: conv_scales::accuracies,
    },
    Figure {
        name: "conv-losses",
        caption: "Losses of a convolutional network against its scale",
        columns: conv_scales::LOSS_COLUMNS,
        picture: conv_scales::losses,
    },
    Figure {
        name: "conv-table",
        caption: "Accuracies of networks trained as they are and linearized",
        columns: conv_table::COLUMNS,
        picture: conv_table::picture,
    },
    Figure {
        name: "conv-spectrum",
        caption: "The spectrum of a convolutional network's tangent kernel",
        columns: conv_spectrum::COLUMNS,
        picture: conv_spectrum::picture,
    },
    Figure {
        name: "random-kernels",
        caption: "Tangent kernels of random networks against the limit of infinite width",
        columns: random_kernels::COLUMNS,
        picture: random_kernels::picture,
    },
    Figure {
        name: "double-descent",
        caption: "Risks of least squares against the number of features per sample",
        columns: double_descent::COLUMNS,
        picture: double_descent::picture,
    },
    Figure {
        name: "true-random-labels",
        caption: "How fast true and random labels are learnt, and the prediction",
        columns: fine_grained::SPEED_COLUMNS,
        picture: fine_grained::speeds,
    },
    Figure {
        name: "complexity-measure",
        caption: "The complexity measure and the test error against the share of random labels",
        columns: fine_grained::MEASURE_COLUMNS,
        picture: fine_grained::measures,
    },
    Figure {
        name: "underspecification",
        caption: "Risks in distribution and under a shift, for predictors that differ in the seed alone",
        columns: underspecification::COLUMNS,
        picture: underspecification::picture,
    },
    Figure {
        name: "depth",
        caption: "What thirty rectifier layers leave of a signal, and whether they train",
        columns: depth::COLUMNS,
        picture: depth::picture,
    },
    Figure {
        name: "wide-nets",
        caption: "How far nets are from their linearization and their kernels from the limit, against the width",
        columns: wide_nets::COLUMNS,
        picture: wide_nets::picture,
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
                "the table has {} rows and no value in {} that the axes can show",
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
