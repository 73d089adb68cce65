//! Figure 7(b) (Chizat et al. 2019): the spectrum of the tangent kernel of VGG-11 at its start, on images and on random pixels.

use super::check::Check;
use super::conv_settings::{images, missing};
use super::lazy::slope;
use super::plan::{Desk, Experiment, Order, Rows};
use super::table::Table;
use crate::Result;
use crate::data::image_sets::ImageSets;
use crate::linalg::symmetric_eigen;
use crate::model::{
    Architecture, CIFAR10, Differentiable, FilterInitialization, Pooling, Rectification,
};
use crate::solve::no_modes;
use nalgebra::DMatrix;

/// Eigenvalues of Dh(w₀) Dh(w₀)ᵀ over the largest, descending; the first run on images, the second on random pixels.
pub struct ConvSpectrum {
    order: Order,
    sets: Option<ImageSets>,
    width: f64,
    images: usize,
}

impl ConvSpectrum {
    /// 100 images at half the width; quick: 50 at a quarter; full: the authors' 495 at full width.
    ///
    /// # Errors
    /// Images that cannot be read.
    pub fn new(order: &Order) -> Result<Self> {
        let wanted = order.size.pick(50, 100, 495);
        Ok(ConvSpectrum {
            order: order.clone(),
            sets: images(order, (wanted, 1))?,
            width: order.size.pick(0.25, 0.5, 1.0),
            images: wanted,
        })
    }
}

impl Experiment for ConvSpectrum {
    fn blank(&self) -> Table {
        let table = Table::new(&[("random", ""), ("index", ""), ("eigenvalue", "λ₁")])
            .note("model", format!("VGG-11 of {} × the width, Xavier, ten outputs", self.width));
        let table = match &self.sets {
            Some(sets) => table.note("data", &sets.source),
            None => table,
        };
        table
            .note("images", self.images)
            .note("size", self.order.size.name())
            .note("seed", self.order.seed)
    }

    fn runs(&self) -> usize {
        2
    }

    fn label(&self, run: usize) -> String {
        if run == 0 { "images".into() } else { "random pixels".into() }
    }

    fn run(&self, run: usize, _: &Desk<'_>) -> Result<Rows> {
        let sets = self.sets.as_ref().ok_or_else(missing)?;
        let net = Architecture::vgg11(CIFAR10, self.width, Pooling::Max, Rectification::Relu)?;
        let mut chance = self.order.stream("spectrum", 0).split("weights");
        let xavier = FilterInitialization::Xavier { gain: 1.0 };
        let start = xavier.weights(&net, &mut || chance.gaussian())?;
        let (n, numbers) = (self.images.min(sets.train.len()), sets.train.numbers());
        let pixels = if run == 0 {
            DMatrix::from_iterator(numbers, n, (0..n).flat_map(|i| sets.train.image(i).to_vec()))
        } else {
            let mut chance = self.order.stream("spectrum", 0).split("pixels");
            // Uniform on the range that the images have.
            let all = (0..n).flat_map(|i| sets.train.image(i).iter().copied());
            let (low, high) = all.fold((f64::MAX, f64::MIN), |(a, b), x| (a.min(x), b.max(x)));
            DMatrix::from_fn(numbers, n, |_, _| chance.uniform(low, high))
        };
        let kernel = net.on(pixels)?.kernel(&start);
        let (values, _) = symmetric_eigen(&kernel).ok_or_else(no_modes)?;
        let largest = values.first().copied().unwrap_or(f64::NAN);
        let row = |(i, value): (usize, &f64)| vec![run as f64, i as f64, value / largest];
        Ok(values.iter().enumerate().map(row).collect())
    }

    fn checks(&self, table: &Table) -> Result<Vec<Check>> {
        let (images, random) = (spectrum(table, 0.0)?, spectrum(table, 1.0)?);
        let at = |of: &[f64], i: usize| of.get(i).copied().unwrap_or(f64::NAN);
        let half = images.len() / 2;
        let tail: Vec<(f64, f64)> =
            (21..half).map(|i| ((i as f64).ln(), at(&images, i).ln())).collect();
        let falls = slope(&tail).unwrap_or(f64::NAN);
        Ok(vec![
            Check::new(
                "eigenvalue 9 over eigenvalue 10 (from 0), images",
                8.6,
                (4.0, f64::INFINITY),
                at(&images, 9) / at(&images, 10),
            ),
            Check::new(
                "the same, random pixels",
                25.0,
                (4.0, f64::INFINITY),
                at(&random, 9) / at(&random, 10),
            ),
            Check::new(
                "eigenvalue 10, images over random pixels",
                3.15,
                (1.0, f64::INFINITY),
                at(&images, 10) / at(&random, 10),
            ),
            Check::new(
                "slope of log λᵢ in log i, 20 < i < N/2, images",
                -0.97,
                (-1.4, -0.7),
                falls,
            ),
        ])
    }
}

/// The eigenvalues on images (0) or on random pixels (1).
///
/// # Errors
/// [`Error::Unknown`](crate::Error::Unknown) for a missing column.
pub(crate) fn spectrum(table: &Table, random: f64) -> Result<Vec<f64>> {
    let (which, values) = (table.column("random")?, table.column("eigenvalue")?);
    Ok(which.iter().zip(values).filter(|(w, _)| **w == random).map(|(_, v)| *v).collect())
}
