//! What the experiments on convolutional networks share: their images, and the error where there are none.

use super::plan::Order;
use super::table::Table;
use crate::data::image_sets::ImageSets;
use crate::{Error, Result};

/// Reads the images of an order, at most `sizes` of them (train, test); nothing where it names no data.
pub(super) fn images(order: &Order, sizes: (usize, usize)) -> Result<Option<ImageSets>> {
    let open = |place| ImageSets::open(place, sizes, order.seed);
    order.data.as_deref().map(open).transpose()
}

/// Notes on the images: where they come from, if they are there, and how many were wanted.
pub(super) fn noted(table: Table, sets: Option<&ImageSets>, sizes: (usize, usize)) -> Table {
    let table = match sets {
        Some(sets) => table.note("data", &sets.source),
        None => table,
    };
    table.note("at most", format!("{} train, {} test images", sizes.0, sizes.1))
}

/// What a run needs and does not have.
pub(super) fn missing() -> Error {
    Error::Conflict {
        found: "this figure needs images, and none are given".into(),
        remedy: "give --data: the folder of CIFAR-10's binary version (cs.toronto.edu/~kriz/cifar.html), files as \
                 TRAIN.bin,TEST.bin, one file to be split, or the word synthetic for a stand-in"
            .into(),
    }
}
