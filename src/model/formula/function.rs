//! The functions a formula may call: the elementary ones of [`Scalar`] and four made from them.

use crate::scalar::{Elementary, Scalar};

/// A function of one argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Function {
    /// The position in [`Elementary::ALL`].
    Basic(usize),
    /// sin/cos.
    Tan,
    /// tanh · cosh: no cancellation at 0.
    Sinh,
    /// (eˣ + e⁻ˣ)/2.
    Cosh,
    /// x Φ(x).
    Gelu,
}

/// Every function under its first name, in the order of [`Elementary::ALL`] and then the made ones.
const NAMES: [&str; 18] = [
    "exp", "ln", "sqrt", "sin", "cos", "tanh", "atan", "sigmoid", "softplus", "erf", "relu", "abs",
    "step", "sign", "tan", "sinh", "cosh", "gelu",
];

impl Function {
    pub(super) const EXP: Self = Function::Basic(0);
    pub(super) const LN: Self = Function::Basic(1);
    pub(super) const SQRT: Self = Function::Basic(2);
    pub(super) const SIN: Self = Function::Basic(3);
    pub(super) const COS: Self = Function::Basic(4);
    pub(super) const SIGMOID: Self = Function::Basic(7);
    pub(super) const ERF: Self = Function::Basic(9);
    pub(super) const STEP: Self = Function::Basic(12);
    pub(super) const SIGN: Self = Function::Basic(13);

    /// The function of that name; `log` is `ln`.
    pub(super) fn named(name: &str) -> Option<Self> {
        let name = if name == "log" { "ln" } else { name };
        let index = NAMES.iter().position(|known| *known == name)?;
        Some(match index {
            14 => Function::Tan,
            15 => Function::Sinh,
            16 => Function::Cosh,
            17 => Function::Gelu,
            basic => Function::Basic(basic),
        })
    }

    /// Its name in a formula.
    pub(super) fn name(self) -> &'static str {
        match self {
            Function::Basic(index) => NAMES[index],
            Function::Tan => "tan",
            Function::Sinh => "sinh",
            Function::Cosh => "cosh",
            Function::Gelu => "gelu",
        }
    }

    /// The legal names, for messages.
    pub(super) fn known() -> Vec<String> {
        NAMES.iter().chain(&["log"]).map(ToString::to_string).collect()
    }

    /// The elementary function, where it is one.
    pub(super) fn elementary(self) -> Option<Elementary> {
        match self {
            Function::Basic(index) => Some(Elementary::ALL[index]),
            _ => None,
        }
    }

    /// f(x) on any number.
    pub(super) fn at<S: Scalar>(self, x: S) -> S {
        match self {
            Function::Basic(index) => x.apply(Elementary::ALL[index]),
            Function::Tan => x.sin() / x.cos(),
            Function::Sinh => x.tanh() * cosh(x),
            Function::Cosh => cosh(x),
            Function::Gelu => x.gelu(),
        }
    }
}

fn cosh<S: Scalar>(x: S) -> S {
    S::from(0.5) * (x.exp() + (-x).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_functions_stand_in_the_same_order() {
        for (name, f) in NAMES.iter().zip(Elementary::ALL) {
            assert_eq!(Function::named(name).and_then(Function::elementary), Some(f));
            assert_eq!(*name, format!("{f:?}").to_lowercase());
        }
        for name in NAMES {
            assert_eq!(Function::named(name).map(Function::name), Some(name));
        }
        let constants = [
            (Function::EXP, "exp"),
            (Function::LN, "ln"),
            (Function::SQRT, "sqrt"),
            (Function::SIN, "sin"),
            (Function::COS, "cos"),
            (Function::SIGMOID, "sigmoid"),
            (Function::ERF, "erf"),
            (Function::STEP, "step"),
            (Function::SIGN, "sign"),
        ];
        assert!(constants.iter().all(|(f, name)| f.name() == *name));
        assert_eq!(Function::named("log"), Function::named("ln"));
        assert_eq!(Function::named("log10"), None);
    }

    #[test]
    fn the_made_functions_agree_with_the_standard_library() {
        for x in [-3.0, -1e-9, 0.0, 1e-3, 0.7, 20.0_f64] {
            for (f, wanted) in
                [(Function::Tan, x.tan()), (Function::Sinh, x.sinh()), (Function::Cosh, x.cosh())]
            {
                // A quotient or product of values within an ulp or two each.
                assert!((f.at(x) - wanted).abs() <= 1e-15 * 4.0 * wanted.abs(), "{f:?}({x})");
            }
        }
    }
}
