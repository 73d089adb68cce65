//! Data sets: valid by construction, with the statistics that are stated.

use gradflow::data::synthetic::{Teacher, clusters, random_labels};
use gradflow::data::{Dataset, Scaling};
use gradflow::random::Generator;
use gradflow::{Error, Result};
use nalgebra::{DMatrix, dmatrix};

/// The error's exit code is `code` and its message holds all of `parts`.
fn assert_refused<T>(result: Result<T>, code: u8, parts: &[&str]) {
    let error: Error = result.err().unwrap_or_else(|| panic!("accepted, not refused: {parts:?}"));
    let message = error.to_string();
    assert_eq!(error.exit_code(), code, "{message}");
    for part in parts {
        assert!(message.contains(part), "{message}\n  lacks: {part}");
    }
}

/// Rows 1, 3 and 4 for data made in memory.
#[test]
fn datasets_are_valid_by_construction() {
    let make = |x: DMatrix<f64>, y: DMatrix<f64>| Dataset::new(x, y, "test");
    assert_refused(
        make(DMatrix::zeros(2, 3), DMatrix::zeros(1, 4)),
        2,
        &["inputs 2 × 3, targets 1 × 4"],
    );
    assert_refused(make(DMatrix::zeros(2, 0), DMatrix::zeros(1, 0)), 2, &["samples = 0"]);
    assert_refused(make(DMatrix::zeros(0, 3), DMatrix::zeros(1, 3)), 2, &["inputs per sample = 0"]);
    assert_refused(
        make(DMatrix::zeros(2, 3), DMatrix::zeros(0, 3)),
        2,
        &["targets per sample = 0"],
    );
    let nan = make(dmatrix![0.0, 1.0; 0.0, f64::NAN], dmatrix![0.0, 0.0]);
    assert_refused(nan, 2, &["x2 of sample 1", "NaN"]);
    assert_refused(make(dmatrix![0.0], dmatrix![f64::INFINITY]), 2, &["y1 of sample 0", "inf"]);
    assert_refused(Teacher::seeded(0, 1), 2, &["input dimension = 0"]);
    assert_refused(Teacher::seeded(2, 1).and_then(|t| t.train_and_test(0, 1)), 2, &["samples = 0"]);
    assert_refused(clusters(usize::MAX, 2, 1.0, 0), 5, &["numbers for each of"]);
    assert_refused(random_labels(1_000_000_000_000, 10, 0), 5, &["fewer samples"]);
}

#[test]
fn parts_and_orders_keep_samples_whole() -> Result<()> {
    let data =
        Dataset::new(dmatrix![1.0, 2.0, 3.0, 4.0], dmatrix![1.0, 4.0, 9.0, 16.0], "squares")?;
    let (train, test) = data.split(3)?;
    assert_eq!((train.inputs(), test.targets()), (&dmatrix![1.0, 2.0, 3.0], &dmatrix![16.0]));
    assert_eq!(data.subset(2)?.source(), "squares, first 2 samples");
    assert_refused(data.subset(5), 2, &["1 to 4"]);
    assert_refused(data.split(4), 2, &["1 to 3"]);
    let shuffled = data.shuffled(&mut Generator::seeded(1));
    assert_ne!(shuffled.inputs(), data.inputs());
    assert_eq!(&shuffled.inputs().map(|x| x * x), shuffled.targets());
    Ok(())
}

#[test]
fn scalings_do_what_they_say() -> Result<()> {
    let data = Dataset::new(
        dmatrix![1.0, 3.0, 8.0; 0.1, 0.1, 0.1; 1e200, -1e200, 0.0],
        dmatrix![0.0, 1.0, 2.0],
        "t",
    )?;
    let scaled = data.standardized();
    for row in [0, 2] {
        let row = scaled.inputs().row(row);
        assert!(row.sum().abs() < 1e-15 && (row.norm_squared() / 3.0 - 1.0).abs() < 1e-15);
    }
    assert_eq!(scaled.inputs().row(1).amax(), 0.0);
    assert_eq!(scaled.source(), "t, inputs standardized (constant: `x2`)");
    let other = Dataset::new(dmatrix![4.0; 0.6; 1e200], dmatrix![0.0], "u")?;
    let applied = Scaling::standardizing(&data).apply(&other)?;
    assert_eq!((applied.inputs()[0], applied.inputs()[1]), (0.0, 0.5)); // (4 − mean 4)/…, 0.6 − 0.1
    let narrow = Dataset::new(dmatrix![1.0], dmatrix![1.0], "v")?;
    assert_refused(Scaling::centring(&data).apply(&narrow), 2, &["inputs per sample", "wanted 3"]);
    let unit =
        Dataset::new(dmatrix![3e300, 0.0; 4e300, 0.0], dmatrix![0.0, 1.0], "w")?.normalized();
    assert!((unit.inputs() - dmatrix![0.6, 0.0; 0.8, 0.0]).amax() < 1e-15);
    assert!(unit.source().ends_with("unit norm but for 1 of zeros"));
    Ok(())
}

/// The second moment of the teacher at a sphere point, averaged over directions: E relu(b·x)² = 1/(2d) each and
/// (paper, §3.1) small cross terms ±; over many teachers the signs average them out to m₀/(2d).
#[test]
fn teachers_have_the_second_moment_of_their_formula() -> Result<()> {
    let (d, teachers) = (10, 400);
    let mut moment = 0.0;
    for seed in 0..teachers {
        let teacher = Teacher::seeded(d, seed)?;
        let (train, test) = teacher.train_and_test(50, 7)?;
        assert_eq!((train.samples(), test.samples()), (50, 7));
        assert!(
            teacher.outer().iter().all(|a| a.abs() == 1.0) && teacher.inner().shape() == (d, 3)
        );
        assert!(train.inputs().column_iter().all(|x| (x.norm() - 1.0).abs() < 1e-15));
        moment += train.targets().norm_squared() / 50.0 / teachers as f64;
    }
    // Wanted 3/(2·10) = 0.15; its spread over teachers is about 0.11, hence 0.0055 for the mean of 400.
    assert!((moment - 0.15).abs() < 0.02, "{moment}");
    Ok(())
}

#[test]
fn synthetic_sets_come_from_their_seed_alone() -> Result<()> {
    let (small, test) = Teacher::seeded(5, 3)?.train_and_test(4, 6)?;
    let (large, same_test) = Teacher::seeded(5, 3)?.train_and_test(9, 6)?;
    assert_eq!(large.inputs().columns(0, 4), small.inputs().columns(0, 4));
    assert_eq!(test, same_test);
    assert_ne!(Teacher::seeded(5, 4)?.train_and_test(4, 6)?.0.inputs(), small.inputs());
    let (a, b) = (random_labels(200, 3, 1)?, random_labels(200, 3, 1)?);
    assert_eq!(a, b);
    assert!(a.targets().iter().all(|t| t.abs() == 1.0) && a.targets().sum().abs() < 71.0); // 5σ
    Ok(())
}

/// The difference of the two means is the separation, up to noise of 2/√n per direction.
#[test]
fn clusters_are_separated() -> Result<()> {
    let (n, data) = (2000.0, clusters(2000, 4, 6.0, 2)?);
    let difference = data.inputs() * data.targets().transpose() * (2.0 / n);
    assert!((difference.norm() - 6.0).abs() < 5.0 * 2.0 / f64::sqrt(n), "{difference}");
    assert_eq!(data.targets().sum(), 0.0);
    Ok(())
}
