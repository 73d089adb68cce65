//! Activations against exact arithmetic and against their own definition on dual numbers.

use gradflow::model::Activation;
use gradflow::scalar::Dual;

/// (φ, x₀, δ, [φ(x₀+δ) − φ(x₀) − φ'(x₀)δ]/δ², [φ'(x₀+δ) − φ'(x₀)]/δ), by mpmath with 2000 bits from the
/// definitions; x₀ and δ are the doubles printed.
const TABLE: &[(Activation, f64, f64, f64, f64)] = &[
    // Tanh
    (Activation::Tanh, 0.75, 1e-08, -0.37892085072091825, -0.7578417010237439),
    (Activation::Tanh, 0.75, 0.5, -0.34063286628176054, -0.6323418842017976),
    (Activation::Tanh, -0.3, -0.9, 0.3472608284980271, 0.6779077395769113),
    (Activation::Tanh, -1.25, 2.5, 0.15928481831423108, 0.0),
    (Activation::Tanh, 2.0, -6.0, -0.04276255363044159, 0.011551645695023096),
    (Activation::Tanh, -5.0, 0.25, 0.00021601455808643204, 0.00047111708507019184),
    (Activation::Tanh, 4.0, 3.0, -0.00037264609380000696, -0.00044587485789366525),
    (Activation::Tanh, 0.125, 1000.0, -0.000983660683952165, -0.0009845363309503934),
    (Activation::Tanh, -20.0, 41.0, 0.0011897679952409276, -3.5838068574265686e-19),
    (Activation::Tanh, 0.0, 0.001, -0.00033333320000005395, -0.0009999993333337112),
    // Relu
    (Activation::Relu, 0.75, 1e-08, 0.0, 0.0),
    (Activation::Relu, 0.75, 0.5, 0.0, 0.0),
    (Activation::Relu, -0.3, -0.9, 0.0, 0.0),
    (Activation::Relu, -1.25, 2.5, 0.2, 0.4),
    (Activation::Relu, 2.0, -6.0, 0.1111111111111111, 0.16666666666666666),
    (Activation::Relu, -5.0, 0.25, 0.0, 0.0),
    (Activation::Relu, 4.0, 3.0, 0.0, 0.0),
    (Activation::Relu, 0.125, 1000.0, 0.0, 0.0),
    (Activation::Relu, -20.0, 41.0, 0.012492563950029744, 0.024390243902439025),
    (Activation::Relu, 0.0, 0.001, 1000.0, 1000.0),
    // Softplus
    (Activation::Softplus, 0.75, 1e-08, 0.10894749675076654, 0.21789499337139262),
    (Activation::Softplus, 0.75, 0.5, 0.10187490257110583, 0.19624232399859634),
    (Activation::Softplus, -0.3, -0.9, 0.11349254041853207, 0.21564696298595407),
    (Activation::Softplus, -1.25, 2.5, 0.11091994446987646, 0.22183988893975293),
    (Activation::Softplus, 2.0, -6.0, 0.08822234402061478, 0.14380181133596515),
    (Activation::Softplus, -5.0, 0.25, 0.003614760671780405, 0.007538537957708518),
    (Activation::Softplus, 4.0, 3.0, 0.004080018713582131, 0.005691719589230304),
    (Activation::Softplus, 0.125, 1000.0, 0.0004681580275909266, 0.00046879062662624375),
    (Activation::Softplus, -20.0, 41.0, 0.012492563898982631, 0.024390243833672935),
    (Activation::Softplus, 0.0, 0.001, 0.12499999479166701, 0.24999997916666875),
    // Erf
    (Activation::Erf, 0.75, 1e-08, -0.4821983016285175, -0.9643966029891471),
    (Activation::Erf, 0.75, 0.5, -0.4388841599786423, -0.8128198934958331),
    (Activation::Erf, -0.3, -0.9, 0.4277130862797022, 0.8487961806838044),
    (Activation::Erf, -1.25, 2.5, 0.20071959206315032, 0.0),
    (Activation::Erf, 2.0, -6.0, -0.05198112048547618, 0.003444476395290889),
    (Activation::Erf, -5.0, 0.25, 2.084779407088471e-10, 6.546908152495841e-10),
    (Activation::Erf, 4.0, 3.0, -4.06144202506352e-08, -4.232744890622166e-08),
    (Activation::Erf, 0.125, 1000.0, -0.001110025585801464, -0.0011108852695966625),
    (Activation::Erf, -20.0, 41.0, 0.001189767995240928, -5.270823108260484e-176),
    (Activation::Erf, 0.0, 0.001, -0.0003761262761939477, -0.0011283786029061172),
    // Sigmoid
    (Activation::Sigmoid, 0.75, 1e-08, -0.039042141650696166, -0.07808428341301629),
    (Activation::Sigmoid, 0.75, 0.5, -0.043305339526435366, -0.08958041353863402),
    (Activation::Sigmoid, -0.3, -0.9, 0.0320126096719909, 0.07395985671548908),
    (Activation::Sigmoid, -1.25, 2.5, 0.01949404077890236, -0.0),
    (Activation::Sigmoid, 2.0, -6.0, -0.006468037655409772, 0.014555146531702567),
    (Activation::Sigmoid, -5.0, 0.25, 0.0035619251476734512, 0.007423421947597553),
    (Activation::Sigmoid, 4.0, 3.0, -0.003990328874686937, -0.005584161677723096),
    (Activation::Sigmoid, 0.125, 1000.0, -0.00024855718438699124, -0.0002490259750136175),
    (Activation::Sigmoid, -20.0, 41.0, 0.000594883945671203, -3.1777989568306415e-11),
    (Activation::Sigmoid, 0.0, 0.001, -2.083333125000021e-05, -6.24999895833348e-05),
    // Gelu
    (Activation::Gelu, 0.75, 1e-08, 0.21644252806731576, 0.4328850548406816),
    (Activation::Gelu, 0.75, 0.5, 0.1531817453178581, 0.24687172266037405),
    (Activation::Gelu, -0.3, -0.9, 0.2684542949788462, 0.4284731432567082),
    (Activation::Gelu, -1.25, 2.5, 0.24906463322776884, 0.4981292664555377),
    (Activation::Gelu, 2.0, -6.0, 0.12657678848328355, 0.18095590845657056),
    (Activation::Gelu, -5.0, 0.25, -2.577841667771675e-05, -6.290452150581247e-05),
    (Activation::Gelu, 4.0, 3.0, -0.0001538071139228303, -0.00016788319952106372),
    (Activation::Gelu, 0.125, 1000.0, 0.00040083834702368966, 0.0004007820643017934),
    (Activation::Gelu, -20.0, 41.0, 0.012492563950029744, 0.024390243902439025),
    (Activation::Gelu, 0.0, 0.001, 0.3989422139110626, 0.7978842948414049),
];

/// The largest relative error of the formulas is that of a difference of two erfc or softplus at |δ| > 1, where up to
/// five bits cancel: 2⁻⁵³ · 2⁵ · a few operations. Where the true value is far below the scale of φ'' (a zero by
/// symmetry), the error is relative to the pieces, which are at most 1/|δ|.
#[test]
fn changes_of_activations_agree_with_exact_arithmetic() {
    for &(activation, x0, delta, second, slope) in TABLE {
        for (what, found, wanted) in [
            ("remainder", activation.remainder(x0, delta), second),
            ("slope's change", activation.slope_change(x0, delta), slope),
        ] {
            let floor = if delta.abs() > 1.0 { 4.0 * f64::EPSILON / delta.abs() } else { 0.0 };
            let error = (found - wanted).abs();
            let agree = error <= 1e-14 * wanted.abs() + floor;
            assert!(
                agree,
                "{what} of {} at {x0}, {delta}: {found:e}, exact {wanted:e}",
                activation.name()
            );
        }
    }
}

#[test]
fn values_slopes_and_second_derivatives_are_those_of_the_plain_twin() {
    for activation in Activation::ALL {
        for x in [-3.0, -0.7, 0.4, 2.5] {
            let y = activation.apply(Dual::new(Dual::variable(x), Dual::from(1.0)));
            // Gelu in the left tail: 1 + erf cancels three digits in the twin.
            let near =
                |a: f64, b: f64| assert!((a - b).abs() < 1e-15, "{activation:?}({x}): {a} {b}");
            near(activation.value(x), y.value.value);
            near(activation.slope(x), y.value.tangent);
            near(activation.second(x), y.tangent.tangent);
            near(activation.slope_change(x, 0.0), activation.second(x));
            near(activation.remainder(x, 0.0), 0.5 * activation.second(x));
        }
    }
}
