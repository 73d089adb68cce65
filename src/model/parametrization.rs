//! How a layer's products are scaled: factors outside the weights, which decide whether wide networks train lazily.

use crate::{Error, Result};

/// α(m) of the two-layer network α(m) Σⱼ aⱼ φ(bⱼ·x) with m neurons (Chizat et al. 2019, §1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scaling {
    /// 1.
    One,
    /// 1/√m: lazy as m grows.
    #[default]
    InverseSqrtWidth,
    /// 1/m: the mean-field scaling, not lazy.
    InverseWidth,
}

impl Scaling {
    /// All of them.
    pub const ALL: [Scaling; 3] = [Scaling::One, Scaling::InverseSqrtWidth, Scaling::InverseWidth];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Scaling::One => "one",
            Scaling::InverseSqrtWidth => "inverse-sqrt-width",
            Scaling::InverseWidth => "inverse-width",
        }
    }

    /// The scaling of that name.
    ///
    /// # Errors
    /// [`Error::Unknown`] with the nearest legal word.
    pub fn parse(word: &str) -> Result<Self> {
        Scaling::ALL
            .into_iter()
            .find(|scaling| scaling.name() == word)
            .ok_or_else(|| Error::unknown("scaling", word, Scaling::ALL.map(Scaling::name)))
    }

    /// α(m).
    ///
    /// ```
    /// use gradflow::model::Scaling;
    /// assert_eq!(Scaling::InverseSqrtWidth.factor(16), 0.25); // 1/√16
    /// ```
    pub fn factor(self, width: usize) -> f64 {
        match self {
            Scaling::One => 1.0,
            Scaling::InverseSqrtWidth => 1.0 / (width as f64).sqrt(),
            Scaling::InverseWidth => 1.0 / width as f64,
        }
    }
}

/// Where a multi-layer perceptron keeps its scale.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Parametrization {
    /// Z = A Wᵀ + b: the scale is in the weights.
    #[default]
    Standard,
    /// `Z = (σ_w/√fan-in) A Wᵀ + σ_b b` with weights of unit size (Jacot et al. 2018; Lee et al. 2019).
    Ntk {
        /// `σ_w`.
        sigma_w: f64,
        /// `σ_b`.
        sigma_b: f64,
    },
}

impl Parametrization {
    /// `standard`, `ntk` (`σ_w` = `σ_b` = 1) or `ntk:σ_w,σ_b`, as `ntk:1.5,0.1`.
    ///
    /// # Errors
    /// [`Error::Unknown`] with the nearest legal word; [`Error::Value`] for factors that are not two finite numbers ≥ 0.
    ///
    /// ```
    /// use gradflow::model::Parametrization;
    /// let found = Parametrization::parse("ntk:1.5,0.1").unwrap();
    /// assert_eq!(found, Parametrization::Ntk { sigma_w: 1.5, sigma_b: 0.1 });
    /// ```
    pub fn parse(word: &str) -> Result<Self> {
        if let Some(factors) = word.strip_prefix("ntk:") {
            let numbers = factors.split(',').map(|word| word.trim().parse().ok());
            let numbers: Option<Vec<f64>> = numbers.collect();
            let Some(&[sigma_w, sigma_b]) = numbers.as_deref() else {
                let wanted = "two numbers σ_w and σ_b, as in ntk:1.5,0.1";
                return Err(Error::value("factors of the parametrization", factors, wanted));
            };
            let found = Parametrization::Ntk { sigma_w, sigma_b };
            return found.check().map(|()| found);
        }
        match word {
            "standard" => Ok(Parametrization::Standard),
            "ntk" => Ok(Parametrization::Ntk { sigma_w: 1.0, sigma_b: 1.0 }),
            _ => Err(Error::unknown("parametrization", word, ["standard", "ntk"])),
        }
    }

    /// The factors (of A Wᵀ, of b) of a layer with `fan_in` inputs.
    ///
    /// ```
    /// use gradflow::model::Parametrization;
    /// let ntk = Parametrization::Ntk { sigma_w: 3.0, sigma_b: 0.1 };
    /// assert_eq!(ntk.factors(9), (1.0, 0.1)); // 3/√9
    /// ```
    pub fn factors(self, fan_in: usize) -> (f64, f64) {
        match self {
            Parametrization::Standard => (1.0, 1.0),
            Parametrization::Ntk { sigma_w, sigma_b } => {
                (sigma_w / (fan_in as f64).sqrt(), sigma_b)
            }
        }
    }

    /// Refuses factors that are not finite.
    pub(crate) fn check(self) -> Result<()> {
        let Parametrization::Ntk { sigma_w, sigma_b } = self else { return Ok(()) };
        for (name, sigma) in [("sigma_w", sigma_w), ("sigma_b", sigma_b)] {
            if !sigma.is_finite() || sigma < 0.0 {
                return Err(Error::value(name, sigma, "a finite number ≥ 0"));
            }
        }
        Ok(())
    }
}
