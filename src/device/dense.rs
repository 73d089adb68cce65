//! A dense Jacobian, multiplied where it is quickest.

use super::hardware::Resident;
use crate::{Error, Result, linalg};
use nalgebra::DMatrix;

/// A dense Jacobian J, N × p, in the processor's memory and, where a card is chosen and pays, on the card as well.
///
/// Products are the same wherever they are made, but for the order of their sums: y = J x differs by at most
/// 2 γ Σ|`J_ik` `x_k`|, γ = p 2⁻⁵³/(1 − p 2⁻⁵³) (Higham, *Accuracy and Stability of Numerical Algorithms*, 2002, (3.5)).
///
/// ```
/// use gradflow::device::Dense;
/// use nalgebra::dmatrix;
/// let (j, gram) = Dense::new(dmatrix![1.0, 2.0, 0.0; 0.0, 1.0, 3.0]);
/// assert_eq!(gram, dmatrix![5.0, 2.0; 2.0, 10.0]); // J Jᵀ
/// let (mut y, mut z) = ([0.0; 2], [0.0; 3]);
/// j.product(&[1.0, 1.0, 1.0], &mut y);
/// j.transposed_product(&[1.0, -1.0], &mut z);
/// assert_eq!((y, z), ([3.0, 4.0], [1.0, 1.0, -3.0]));
/// ```
pub struct Dense {
    host: DMatrix<f64>,
    resident: Option<Resident>,
}

impl Dense {
    /// J with its Gram matrix J Jᵀ, N × N, bitwise symmetric; sent to the card where one is chosen and that many numbers
    /// pay.
    pub fn new(j: DMatrix<f64>) -> (Self, DMatrix<f64>) {
        match Resident::hold(&j, false) {
            Some((resident, gram)) => (Dense { host: j, resident }, gram),
            None => Self::on_processor(j),
        }
    }

    /// The same with the processor, whatever is chosen: the plain twin.
    pub fn on_processor(j: DMatrix<f64>) -> (Self, DMatrix<f64>) {
        let gram = linalg::gram(&j);
        (Dense { host: j, resident: None }, gram)
    }

    /// The same on the card, whether that pays or not; of J what has room.
    ///
    /// # Errors
    /// [`Error::Device`] where no card is chosen or the chosen one fails.
    pub fn on_card(j: DMatrix<f64>) -> Result<(Self, DMatrix<f64>)> {
        let held = Resident::hold(&j, true);
        let (resident, gram) = held.ok_or_else(|| Error::Device {
            device: "cuda",
            found: super::describe(),
            wanted: "a card that works and has room, and a Jacobian that is not empty".into(),
            remedy: "choose one by device::choose",
        })?;
        Ok((Dense { host: j, resident }, gram))
    }

    /// Whether a card has at least a part of J.
    pub fn is_on_card(&self) -> bool {
        self.columns_on_card() > 0
    }

    /// How many of the p columns a card has.
    pub fn columns_on_card(&self) -> usize {
        self.resident.as_ref().map_or(0, Resident::columns)
    }

    /// J, in the processor's memory.
    pub fn host(&self) -> &DMatrix<f64> {
        &self.host
    }

    /// `y` ← J x.
    ///
    /// # Panics
    /// Where `x` has not length p, or `y` not length N.
    pub fn product(&self, x: &[f64], y: &mut [f64]) {
        assert_eq!((y.len(), x.len()), self.host.shape(), "lengths of y and x");
        let done = self.resident.as_ref().is_some_and(|card| card.product(&self.host, x, y));
        if !done {
            linalg::multiply(y, false, &self.host, false, x);
        }
    }

    /// `z` ← Jᵀ u.
    ///
    /// # Panics
    /// Where `u` has not length N, or `z` not length p.
    pub fn transposed_product(&self, u: &[f64], z: &mut [f64]) {
        assert_eq!((u.len(), z.len()), self.host.shape(), "lengths of u and z");
        let done =
            self.resident.as_ref().is_some_and(|card| card.transposed_product(&self.host, u, z));
        if !done {
            linalg::multiply(z, false, &self.host, true, u);
        }
    }
}
