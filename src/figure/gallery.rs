//! The gallery: every picture that belongs to the paper or a work around it, with the experiment that makes its numbers.
//!
//! An exhibit's numbers lie in `NAME.csv` and its picture in `NAME.svg`; smaller and larger sizes have their own names,
//! `NAME_quick` and `NAME_full`. Numbers that are there, made with the same settings, are drawn again and not made again.

use super::Figure;
use crate::experiment::{
    Check, ComplexityMeasure, ConvLinearized, ConvScales, ConvSpectrum, Depth, DivergenceBounds,
    DoubleDescent, Experiment, InitialScale, KappaWidth, LazyLimit, Order, Population, Progress,
    RandomKernels, Silent, Size, Table, Trajectories, TrueRandomLabels, Underspecification,
    WideNets, Widths, carry_out, is_table_of, keep,
};
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// One of the figures or tables of the paper, or of a work around it.
#[derive(Clone, Copy)]
pub struct Exhibit {
    /// The word that names it.
    pub name: &'static str,
    /// Where it is in the paper, or the work.
    pub source: &'static str,
    /// What it must show, in one sentence.
    pub shows: &'static str,
    /// The kind of picture.
    pub figure: &'static str,
    /// The exhibit whose numbers it draws, where it has none of its own.
    pub numbers: Option<&'static str>,
    experiment: fn(&Order) -> Result<Box<dyn Experiment>>,
}

/// All of them.
pub const EXHIBITS: &[Exhibit] = &[
    Exhibit {
        name: "lazy_limit",
        source: "Theorem 2.2",
        shows: "the gap closes as 1/α² in the weights, as 1/α in the outputs, on sharp constants",
        figure: "lazy-limit",
        numbers: None,
        experiment: |_| Ok(Box::new(LazyLimit { doubled: false })),
    },
    Exhibit {
        name: "lazy_limit_doubled",
        source: "Theorem 2.2",
        shows: "doubled, the outputs' gap closes as 1/α²",
        figure: "lazy-limit",
        numbers: None,
        experiment: |_| Ok(Box::new(LazyLimit { doubled: true })),
    },
    Exhibit {
        name: "divergence_bounds",
        source: "Theorems 2.3, 2.4",
        shows: "the paper's bounds and ours above the measured gap",
        figure: "divergence-bounds",
        numbers: None,
        experiment: |_| Ok(Box::new(DivergenceBounds)),
    },
    Exhibit {
        name: "kappa_width",
        source: "Section 1.2",
        shows: "κ falls with the width, but not in the mean-field scaling",
        figure: "kappa-width",
        numbers: None,
        experiment: |_| Ok(Box::new(KappaWidth::default())),
    },
    Exhibit {
        name: "fig1a",
        source: "Figure 1(a)",
        shows: "from a small start, τ = 0.1, neurons travel to the teacher's directions",
        figure: "trajectories",
        numbers: None,
        experiment: |order| Ok(Box::new(Trajectories::from_scale(order, 0.1))),
    },
    Exhibit {
        name: "fig1b",
        source: "Figure 1(b)",
        shows: "from a large start, τ = 2, neurons hardly move",
        figure: "trajectories",
        numbers: None,
        experiment: |order| Ok(Box::new(Trajectories::from_scale(order, 2.0))),
    },
    Exhibit {
        name: "fig1c",
        source: "Figure 1(c)",
        shows: "the test loss rises with τ to the linearization's plateau",
        figure: "initial-scale",
        numbers: None,
        experiment: |order| Ok(Box::new(InitialScale::new(order))),
    },
    Exhibit {
        name: "fig2a",
        source: "Figure 2(a)",
        shows: "wide networks generalize five times worse under 1/√m than under 1/m",
        figure: "widths",
        numbers: None,
        experiment: |order| Ok(Box::new(Widths::new(order))),
    },
    Exhibit {
        name: "fig2b",
        source: "Figure 2(b)",
        shows: "with fresh inputs, large τ stays at the distance of the teacher to the tangent space",
        figure: "population",
        numbers: None,
        experiment: |order| Ok(Box::new(Population::new(order))),
    },
    Exhibit {
        name: "fig3a",
        source: "Figure 3(a)",
        shows: "a lazy convolutional network learns less, and as its linearization",
        figure: "conv-scales",
        numbers: None,
        experiment: |order| Ok(Box::new(ConvScales::new(order)?)),
    },
    Exhibit {
        name: "table3b",
        source: "Figure 3(b), a table",
        shows: "linearized networks stay far behind, wide or narrow",
        figure: "conv-table",
        numbers: None,
        experiment: |order| Ok(Box::new(ConvLinearized::new(order)?)),
    },
    Exhibit {
        name: "fig4",
        source: "Figure 4",
        shows: "random kernels approach their limit as m^(−1/2)",
        figure: "random-kernels",
        numbers: None,
        experiment: |order| Ok(Box::new(RandomKernels::new(order))),
    },
    Exhibit {
        name: "fig6",
        source: "Figure 6",
        shows: "as Figures 1(a) and 1(b), with 200 neurons, doubled and not",
        figure: "trajectories",
        numbers: None,
        experiment: |order| Ok(Box::new(Trajectories::many(order))),
    },
    Exhibit {
        name: "fig7a",
        source: "Figure 7(a)",
        shows: "the losses behind Figure 3(a)",
        figure: "conv-losses",
        numbers: Some("fig3a"),
        experiment: |order| Ok(Box::new(ConvScales::new(order)?.for_losses())),
    },
    Exhibit {
        name: "fig7b",
        source: "Figure 7(b)",
        shows: "ten large eigenvalues, a gap, then about 1/i, with a longer tail on images than on random pixels",
        figure: "conv-spectrum",
        numbers: None,
        experiment: |order| Ok(Box::new(ConvSpectrum::new(order)?)),
    },
    Exhibit {
        name: "double_descent",
        source: "Hastie et al. 2019",
        shows: "the risk of the least norm solution peaks at as many features as samples, and falls again",
        figure: "double-descent",
        numbers: None,
        experiment: |order| Ok(Box::new(DoubleDescent::new(order))),
    },
    Exhibit {
        name: "true_random_labels",
        source: "Arora et al. 2019",
        shows: "true labels are learnt faster than random ones, as their projections on a kernel's eigenvectors say",
        figure: "true-random-labels",
        numbers: None,
        experiment: |order| Ok(Box::new(TrueRandomLabels::new(order)?)),
    },
    Exhibit {
        name: "complexity_measure",
        source: "Arora et al. 2019",
        shows: "a measure of the labels alone rises with the test error as labels become random",
        figure: "complexity-measure",
        numbers: None,
        experiment: |order| Ok(Box::new(ComplexityMeasure::new(order)?)),
    },
    Exhibit {
        name: "underspecification",
        source: "D'Amour et al. 2020",
        shows: "predictors that differ in the seed alone agree on data like those seen, and come apart on shifted data",
        figure: "underspecification",
        numbers: None,
        experiment: |order| Ok(Box::new(Underspecification::new(order))),
    },
    Exhibit {
        name: "depth",
        source: "He et al. 2015",
        shows: "thirty rectifier layers keep the signal from He's start, and lose it and do not train from Xavier's",
        figure: "depth",
        numbers: None,
        experiment: |order| Ok(Box::new(Depth::new(order))),
    },
    Exhibit {
        name: "wide_nets",
        source: "Lee et al. 2019",
        shows: "wide nets evolve as linear models: every distance falls as n^(−1/2) or faster",
        figure: "wide-nets",
        numbers: None,
        experiment: |order| Ok(Box::new(WideNets::new(order))),
    },
];

/// What was made, and what it shows.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The picture.
    pub picture: PathBuf,
    /// Its numbers.
    pub numbers: PathBuf,
    /// The table in that file.
    pub table: Table,
    /// Whether the numbers were made now, or found.
    pub made: bool,
    /// What the table must show, with the paper's numbers.
    pub checks: Vec<Check>,
}

impl Exhibit {
    /// The exhibit called `name`; `_` and `-` are the same.
    ///
    /// # Errors
    /// [`Error::Unknown`] with the nearest name.
    pub fn named(name: &str) -> Result<&'static Exhibit> {
        let known = || EXHIBITS.iter().map(|exhibit| exhibit.name);
        let plain = |text: &str| text.to_lowercase().replace('_', "-");
        EXHIBITS
            .iter()
            .find(|exhibit| plain(exhibit.name) == plain(name))
            .ok_or_else(|| Error::unknown("figure", name, known()))
    }

    /// Whether its runs need images (`--data`).
    pub fn needs_images(&self) -> bool {
        self.figure.starts_with("conv-")
    }

    /// Whether its runs are on generated data unless there are images.
    pub fn takes_images(&self) -> bool {
        ["true-random-labels", "complexity-measure"].contains(&self.figure)
    }

    /// The experiment as ordered.
    ///
    /// # Errors
    /// Data that are needed and not there.
    pub fn experiment(&self, order: &Order) -> Result<Box<dyn Experiment>> {
        (self.experiment)(order)
    }

    /// Where its picture lies in `folder`.
    pub fn path(&self, folder: &Path, size: Size) -> PathBuf {
        let ending = match size {
            Size::Quick => "_quick",
            Size::Standard => "",
            Size::Full => "_full",
        };
        folder.join(format!("{}{ending}.svg", self.name))
    }

    /// Where its numbers lie in `folder`.
    pub fn numbers_path(&self, folder: &Path, size: Size) -> PathBuf {
        let owner = self.numbers.and_then(|name| Exhibit::named(name).ok()).unwrap_or(self);
        owner.path(folder, size).with_extension("csv")
    }

    /// Makes the numbers, unless they are in `folder` already or `again` is wanted, and draws them.
    ///
    /// # Errors
    /// A run that fails, with what was done before kept; files that cannot be written.
    pub fn make(
        &self,
        order: &Order,
        folder: &Path,
        again: bool,
        progress: &dyn Progress,
    ) -> Result<Outcome> {
        let picture = self.path(folder, order.size);
        let numbers = self.numbers_path(folder, order.size);
        let experiment = self.experiment(order)?;
        let found = if again { None } else { Table::read(&numbers).ok() };
        let found = found.filter(|table| is_table_of(table, &*experiment));
        let made = found.is_none();
        let table = match found {
            Some(table) => table,
            None => {
                let table = carry_out(&*experiment, &numbers, progress)?;
                keep(&table, &numbers)?;
                table
            }
        };
        Figure::named(self.figure)?.draw(&table, &picture)?;
        let checks = experiment.checks(&table)?;
        Ok(Outcome { picture, numbers, table, made, checks })
    }
}

/// A program that makes one exhibit in `figures/` and prints what it shows; with `--quick` among its arguments a quick one,
/// with `--data PATH` from those images.
///
/// # Errors
/// As [`Exhibit::make`].
pub fn program(name: &str) -> Result<()> {
    let words: Vec<String> = std::env::args().collect();
    let quick = words.iter().any(|word| word == "--quick");
    let size = if quick { Size::Quick } else { Size::Standard };
    let data = words.iter().position(|word| word == "--data").and_then(|i| words.get(i + 1));
    let order = Order { size, data: data.map(PathBuf::from), ..Order::default() };
    let exhibit = Exhibit::named(name)?;
    let outcome = exhibit.make(&order, Path::new("figures"), false, &Silent)?;
    println!("{name}, {}: {}", exhibit.source, exhibit.shows);
    for check in outcome.checks {
        println!("{}: {}, {}", check.quantity, super::number_label(check.found), check.verdict());
    }
    Ok(())
}
