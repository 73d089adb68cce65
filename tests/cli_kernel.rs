//! `gradflow kernel` as users and programs run it.

mod command;

use command::{Folder, at, near};
use gradflow::data::npy;
use gradflow::model::{Activation, Initialization};
use gradflow::prelude::*;
use gradflow::theory::WideNet;
use nalgebra::DMatrix;

/// Three samples of R², and their targets.
const POINTS: &str = "a,b,y\n1,2,0\n-0.5,0.25,1\n3,-1,2\n";

fn points() -> DMatrix<f64> {
    DMatrix::from_column_slice(2, 3, &[1.0, 2.0, -0.5, 0.25, 3.0, -1.0])
}

fn with_points() -> Folder {
    let folder = Folder::new();
    folder.write("points.csv", POINTS);
    folder
}

/// Rows of numbers on standard output.
fn rows(text: &str) -> Vec<f64> {
    text.split_whitespace().map(|word| word.parse().expect("a number")).collect()
}

#[test]
fn the_kernel_of_a_formula_is_printed() {
    // h = (w₁², w₁ w₂) at (1, 2): Dh = (2, 0; 2, 1).
    let found = Folder::new().line("kernel --model 'w1^2; w1*w2' --start 1,2").done();
    assert_eq!(rows(&found.out), [4.0, 4.0, 4.0, 5.0]);
    assert!(found.talk.contains("kernel: empirical, 2 × 2"), "{}", found.talk);
    let quiet = Folder::new().line("kernel --model 'w1^2; w1*w2' --start 1,2 --quiet").done();
    assert_eq!((quiet.out, quiet.talk), (found.out, String::new()));
}

/// The file holds what the library finds for the same words, bit for bit.
#[test]
fn a_file_holds_the_kernel_that_the_library_has() {
    let folder = with_points();
    let words = "--data points.csv --target y --model mlp --depth 2 --width 9 --activation relu --biases --init ntk";
    folder.line(&format!("kernel {words} --out k.npy")).done();
    let file = |name: &str| npy::read(&folder.path(name)).expect("an array");
    let parametrization = Parametrization::Ntk { sigma_w: 1.0, sigma_b: 1.0 };
    let layers = Mlp {
        hidden: vec![9, 9],
        outputs: 1,
        activation: Activation::Relu,
        biases: true,
        parametrization,
    };
    let net = layers.on(points()).unwrap();
    let mut generator = Generator::seeded(0).split("weights");
    let w = Initialization::Ntk.weights(&net, &mut || generator.gaussian());
    assert_eq!(file("k.npy"), net.kernel(&w));

    folder.line(&format!("kernel {words} --infinite --out theta.npy")).done();
    folder.line(&format!("kernel {words} --infinite --nngp --out nngp.npy")).done();
    let limit = WideNet::ntk(2, Activation::Relu, 1.0, 1.0).unwrap().kernels(&points()).unwrap();
    for (name, wanted) in [("theta.npy", &limit.ntk), ("nngp.npy", &limit.nngp)] {
        let off = (file(name) - wanted).amax();
        assert!(off < 1e-13 * wanted.amax(), "{name}: {off}");
    }
    assert_eq!(folder.names(), ["k.npy", "nngp.npy", "points.csv", "theta.npy"]);
}

/// Factors other than 1, which the kernels of Lee et al. 2019 have throughout, in both kernels.
#[test]
fn factors_of_the_parametrization_are_given_in_words() {
    let folder = with_points();
    let words = "--data points.csv --target y --model mlp --depth 3 --width 5 --activation erf --biases --init ntk";
    let words = format!("kernel {words} --parametrization ntk:1.5,0.1 --out");
    folder.line(&format!("{words} theta.npy --infinite")).done();
    folder.line(&format!("{words} k.npy")).done();
    let file = |name: &str| npy::read(&folder.path(name)).expect("an array");
    let limit = WideNet::ntk(3, Activation::Erf, 1.5, 0.1).unwrap().kernels(&points()).unwrap();
    assert!((file("theta.npy") - &limit.ntk).amax() < 1e-13 * limit.ntk.amax());
    let parametrization = Parametrization::Ntk { sigma_w: 1.5, sigma_b: 0.1 };
    let layers =
        Mlp { hidden: vec![5; 3], activation: Activation::Erf, parametrization, ..Mlp::default() };
    let net = layers.on(points()).unwrap();
    let mut generator = Generator::seeded(0).split("weights");
    let w = Initialization::Ntk.weights(&net, &mut || generator.gaussian());
    assert_eq!(file("k.npy"), net.kernel(&w));
}

/// Doubling doubles the tangent kernel, finite or infinite, and centring changes nothing.
#[test]
fn the_way_to_zero_shows_in_the_kernel() {
    let folder = with_points();
    for more in ["", " --infinite"] {
        let kernel = |zero: &str| {
            let words = "kernel --data points.csv --target y --width 7 --quiet";
            rows(&folder.line(&format!("{words} --zero {zero}{more}")).done().out)
        };
        let [none, centred, doubled] = ["none", "centred", "doubled"].map(kernel);
        assert_eq!(none, centred);
        for (two, one) in doubled.iter().zip(&none) {
            // Seven digits are printed.
            near("doubled", *two, 2.0 * one, 1.5e-6);
        }
    }
}

#[test]
fn json_has_the_kernel_and_its_ends() {
    let found = Folder::new().line("kernel --model '3*w1; w2' --start 0,0 --json").done().json();
    assert_eq!(found["kernel"], serde_json::json!([[9.0, 0.0], [0.0, 1.0]]));
    assert_eq!(at(&found, "largest_eigenvalue"), 9.0);
    assert_eq!(at(&found, "smallest_eigenvalue"), 1.0);
    assert_eq!(at(&found, "critical_rate"), 0.2);
    let written = with_points();
    let line = "kernel --data points.csv --target y --infinite --json --out k.npy";
    let found = written.line(line).done().json();
    assert!(found["kernel"].is_null() && found["file"] == "k.npy", "{found}");
    assert_eq!(at(&found, "outputs"), 3.0);
}

/// Two outputs a sample: Kronecker's product with the identity, in the order of the outputs.
#[test]
fn outputs_are_independent_in_the_limit() {
    let folder = Folder::new();
    folder.write("two.csv", "a,y,z\n1,0,1\n2,1,0\n");
    let found = folder.line("kernel --data two.csv --target y,z --infinite --quiet").done();
    let found = DMatrix::from_row_slice(4, 4, &rows(&found.out));
    for (i, j) in [(0, 1), (2, 3), (0, 3), (1, 2)] {
        assert_eq!(found[(i, j)], 0.0);
    }
    assert!(found[(0, 0)] == found[(1, 1)] && found[(0, 2)] == found[(1, 3)]);
    assert!(found[(0, 2)] > 0.0);
}

#[test]
fn mistakes_are_refused_in_words() {
    let refused = |line: &str, code: i32, words: &[&str]| {
        let found = with_points().line(line);
        assert_eq!(found.code, code, "{line}: {}", found.talk);
        assert!(found.out.is_empty(), "{line}");
        for word in words {
            assert!(found.talk.contains(word), "{line}: {word} is missing: {}", found.talk);
        }
    };
    refused("kernel --model w1 --start 1 --infinite", 2, &["no width", "two-layer"]);
    refused("kernel --nngp", 2, &["--infinite"]);
    refused("kernel --infinite --init unit-sphere", 2, &["independent normal", "gaussian"]);
    refused("kernel --infinite --samples 5 --start 1,2", 2, &["--start", "--init"]);
    refused("kernel --samples 21", 2, &["21 rows", "--out"]);
    refused("kernel --out k.csv", 2, &["array format", "npy"]);
    refused("kernel --out .", 4, &["a folder", "name of a file"]);
    refused("kernel --out points.csv/k.npy", 4, &["points.csv"]);
    refused("kernel --infinite --depth 3", 2, &["--depth with --model two-layer", "--model mlp"]);
    refused("kernel --infinite --parametrization ntk", 2, &["--parametrization", "--model mlp"]);
    refused("kernel --model mlp --scaling 1/m", 2, &["--scaling", "--model two-layer"]);
    for factors in ["ntk:1", "ntk:1,a", "ntk:1,0.1,2"] {
        refused(&format!("kernel --model mlp --parametrization {factors}"), 2, &["ntk:1.5,0.1"]);
    }
    refused("kernel --model mlp --parametrization ntk:-1,0", 2, &["sigma_w = -1"]);
    refused("kernel --data missing.csv --out k.npy", 4, &["missing.csv"]);
    refused("kernel --model 'log(w1)' --start 0", 1, &["another start"]);
    refused("kernel --model 'w1*w2' --start 1", 2, &["w1, w2"]);
    let folder = with_points();
    folder.line("kernel --data points.csv --target y --out k.npy --quiet").done();
    let again = folder.line("kernel --data points.csv --target y --out k.npy");
    assert!(again.code == 2 && again.talk.contains("--overwrite"), "{}", again.talk);
    folder.line("kernel --data points.csv --target y --out k.npy --overwrite").done();
    folder.line("kernel --data points.csv --target y --out new/k.npy").done();
    assert_eq!(folder.names(), ["k.npy", "new", "points.csv"], "nothing else is left");
    let own = folder.line("kernel --data k.npy --target k.npy --out k.npy --overwrite");
    assert!(own.code == 2 && own.talk.contains("holds the data"), "{}", own.talk);
}

/// 200 samples take seconds by quadrature and none in closed form: the former is said before.
#[test]
fn long_quadratures_are_announced() {
    let folder = Folder::new();
    let announced = |samples: usize, activation: &str| {
        let words = format!("--samples {samples} --infinite --activation {activation}");
        let found = folder.line(&format!("kernel {words} --out k.npy --overwrite")).done();
        found.talk.contains("integrals by quadrature")
    };
    assert!(announced(210, "gelu"));
    assert!(!announced(210, "relu") && !announced(30, "gelu"));
}

/// Inputs whose neurons' variances no quadrature resolves: said, with the remedy.
#[test]
fn variances_beyond_the_quadrature_are_refused() {
    let folder = Folder::new();
    folder.write("large.csv", "a,y\n1e6,0\n");
    let refused = folder.line("kernel --data large.csv --target y --infinite");
    assert!(refused.code == 2 && refused.talk.contains("relu or erf"), "{}", refused.talk);
    folder.line("kernel --data large.csv --target y --infinite --activation erf").done();
}
