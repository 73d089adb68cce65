//! The CUDA kernels, run on the processor: the very source, compiled by the C++ compiler behind `tests/cuda/shim.h`.
//!
//! Oracles: faer's products. Of whole numbers sums are exact in any order, so results must agree bit for bit; of others
//! two sums of p products in any two orders differ by at most 2 γ Σ|aᵢbᵢ|, γ = p 2⁻⁵³/(1 − p 2⁻⁵³) (Higham 2002,
//! (3.5)). Where there is no C++ compiler the tests say so and pass.

#![cfg(target_os = "linux")]

use faer::Mat;
use gradflow::random::Generator;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const KERNELS: &str = "src/device/cuda/kernels.cu";
/// In which the harness runs the threads of a block.
const ORDERS: usize = 3;

/// N × p: one number, one row, one column, whole tiles, parts of tiles, N > p, many columns.
const SHAPES: [(usize, usize); 11] = [
    (1, 1),
    (1, 777),
    (7, 1),
    (64, 64),
    (65, 130),
    (100, 37),
    (130, 257),
    (3, 1500),
    (200, 33),
    (33, 16),
    (128, 15),
];

/// The harness, compiled around these kernels into `folder`.
fn compiled(folder: &Path, kernels: &Path) -> Option<PathBuf> {
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".into());
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cuda/harness.cpp");
    let binary = folder.join("harness");
    let run = Command::new(&compiler)
        .args(["-std=c++17", "-O1", "-Wall", "-Wextra", "-Wno-unknown-pragmas"])
        .arg(format!("-DKERNELS=\"{}\"", kernels.display()))
        .arg(source)
        .arg("-o")
        .arg(&binary)
        .output();
    let Ok(run) = run else {
        eprintln!("skipped: no C++ compiler ({compiler}) to run the CUDA kernels with");
        return None;
    };
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    Some(binary)
}

struct Harness {
    binary: PathBuf,
    _folder: tempfile::TempDir,
}

impl Harness {
    fn new() -> Option<Self> {
        Self::around(&Path::new(env!("CARGO_MANIFEST_DIR")).join(KERNELS))
    }

    fn around(kernels: &Path) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let binary = compiled(folder.path(), kernels)?;
        Some(Harness { binary, _folder: folder })
    }

    /// What a kernel makes of these numbers, in each order of threads; nothing where it dies.
    fn attempt(&self, kernel: &str, sizes: &[usize], parts: &[&[f64]]) -> Option<Vec<Vec<f64>>> {
        let mut child = Command::new(&self.binary)
            .arg(kernel)
            .args(sizes.iter().map(usize::to_string))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the harness starts");
        let mut input = child.stdin.take().expect("a pipe");
        let bytes: Vec<u8> =
            parts.iter().flat_map(|part| part.iter().flat_map(|x| x.to_ne_bytes())).collect();
        let writer = std::thread::spawn(move || input.write_all(&bytes));
        let output = child.wait_with_output().expect("the harness ends");
        writer.join().expect("a writer").ok()?;
        let number = |bytes: &[u8]| f64::from_ne_bytes(bytes.try_into().expect("eight bytes"));
        let numbers: Vec<f64> = output.stdout.chunks_exact(8).map(number).collect();
        let all = numbers.chunks_exact(numbers.len().div_ceil(ORDERS)).map(<[f64]>::to_vec);
        output.status.success().then(|| all.collect())
    }

    /// The same where the order of threads must make no difference.
    fn run(&self, kernel: &str, sizes: &[usize], parts: &[&[f64]]) -> Vec<f64> {
        let all = self.attempt(kernel, sizes, parts);
        let all = all.unwrap_or_else(|| panic!("{kernel} {sizes:?} died"));
        assert_eq!(all.len(), ORDERS);
        for other in &all[1..] {
            assert_eq!(bits(&all[0]), bits(other), "{kernel} {sizes:?} depends on the order");
        }
        all[0].clone()
    }
}

fn bits(v: &[f64]) -> Vec<u64> {
    v.iter().map(|x| x.to_bits()).collect()
}

/// Whole numbers from −8 to 8, columns contiguous.
fn whole(count: usize, seed: u64) -> Vec<f64> {
    real(count, seed).iter().map(|x| (3.0 * x).round().clamp(-8.0, 8.0)).collect()
}

fn real(count: usize, seed: u64) -> Vec<f64> {
    Generator::seeded(seed).gaussians(count)
}

fn matrix(numbers: &[f64], rows: usize, columns: usize) -> Mat<f64> {
    Mat::from_fn(rows, columns, |i, k| numbers[i + rows * k])
}

/// γ of sums of so many products.
fn gamma(terms: usize) -> f64 {
    let u = terms as f64 * f64::EPSILON / 2.0;
    u / (1.0 - u)
}

fn magnitude(m: &Mat<f64>) -> Mat<f64> {
    Mat::from_fn(m.nrows(), m.ncols(), |i, j| m[(i, j)].abs())
}

/// Lower triangle by faer, zero above.
fn gram_by_faer(j: &Mat<f64>) -> Mat<f64> {
    let k = j * j.transpose();
    Mat::from_fn(k.nrows(), k.ncols(), |a, b| if b <= a { k[(a, b)] } else { 0.0 })
}

#[test]
fn the_gram_matrix_is_faers() {
    let Some(harness) = Harness::new() else { return };
    for (seed, (n, p)) in (0..).zip(SHAPES) {
        for chunk in [16, 100, 1 << 20] {
            let j = whole(n * p, seed);
            let wanted = gram_by_faer(&matrix(&j, n, p));
            for kernel in ["gram_f64", "gram_f32"] {
                let found = matrix(&harness.run(kernel, &[n, p, chunk], &[&j]), n, n);
                assert_eq!(found, wanted, "{kernel}, N = {n}, p = {p}, chunk {chunk}");
            }
            let j = real(n * p, seed);
            let (m, abs) = (matrix(&j, n, p), magnitude(&matrix(&j, n, p)));
            let (wanted, scale) = (gram_by_faer(&m), gram_by_faer(&abs));
            // Rounding to floats, twice, and a slab of 32 columns added up in floats.
            let single = 34.0 * 2.0_f64.powi(-24) * (1.0 + 1e-5);
            for (kernel, most) in [("gram_f64", 0.0), ("gram_f32", single)] {
                let found = matrix(&harness.run(kernel, &[n, p, chunk], &[&j]), n, n);
                let error = |(a, b)| (found[(a, b)] - wanted[(a, b)]).abs();
                let all = (0..n).flat_map(|a| (0..n).map(move |b| (a, b)));
                for at in all.clone() {
                    let limit = (2.0 * gamma(p) + most) * scale[at];
                    assert!(error(at) <= limit, "{kernel} {n} × {p} {at:?}: {}", error(at));
                }
                if kernel == "gram_f32" && n > 10 {
                    let largest = all.map(error).fold(0.0, f64::max);
                    assert!(largest > 1e-9, "{n} × {p}: {largest}: those were no floats");
                }
            }
        }
    }
}

/// The widths that `src/device/cuda/grid.rs` chooses among.
fn sides(n: usize, most: usize) -> impl Iterator<Item = usize> {
    (0..7).map(|e| 1 << e).filter(move |side| *side <= most && *side < 2 * n)
}

#[test]
fn products_with_vectors_are_faers() {
    let Some(harness) = Harness::new() else { return };
    for (seed, (n, p)) in (0..).zip(SHAPES) {
        for exact in [true, false] {
            let draw = |count, seed| if exact { whole(count, seed) } else { real(count, seed) };
            let (j, x, u) = (draw(n * p, seed), draw(p, seed + 100), draw(n, seed + 200));
            let m = matrix(&j, n, p);
            let close = |found: &[f64], m: &Mat<f64>, v: &[f64], what: &str| {
                let v = matrix(v, v.len(), 1);
                let (wanted, scale) = (m * &v, magnitude(m) * magnitude(&v));
                assert_eq!(found.len(), m.nrows());
                for (i, found) in found.iter().enumerate() {
                    let error = (found - wanted[(i, 0)]).abs();
                    let limit = if exact { 0.0 } else { 2.0 * gamma(m.ncols()) * scale[(i, 0)] };
                    assert!(error <= limit, "{what}, {n} × {p}, entry {i}: {error:e} > {limit:e}");
                }
            };
            for side in sides(n, 64) {
                for chunk in [p / 3 + 1, 1 << 20] {
                    let y = harness.run("product", &[n, p, side, chunk], &[&j, &x]);
                    close(&y, &m, &x, &format!("J x by {side}, chunk {chunk}"));
                }
            }
            for side in sides(n, 32) {
                let z = harness.run("transposed_product", &[n, p, side], &[&j, &u]);
                close(&z, &m.transpose().to_owned(), &u, &format!("Jᵀu by {side}"));
            }
        }
    }
}

/// kernels.ptx says of which kernels.cu it was made, and of what it consists.
#[test]
fn source_and_ptx_belong_together() {
    use sha2::{Digest, Sha256};
    let digest = |text: &str| format!("{:x}", Sha256::digest(text.as_bytes()));
    let source = include_str!("../src/device/cuda/kernels.cu");
    let ptx = include_str!("../src/device/cuda/kernels.ptx");
    let lines: Vec<&str> = ptx.splitn(4, '\n').collect();
    let [made, of, is, body] = lines[..] else { panic!("kernels.ptx has {} lines", lines.len()) };
    let remedy = "run src/device/cuda/ptx.py and commit both";
    assert!(made.starts_with("// Made from kernels.cu by ptx.py: NVRTC"), "{made}");
    assert_eq!(of, format!("// source sha256 {}", digest(source)), "{remedy}");
    assert_eq!(is, format!("// body sha256 {}", digest(body)), "{remedy}");
    for kernel in source.split("extern \"C\" __global__").skip(1) {
        let name = kernel.split('(').nth(1).and_then(|s| s.split_whitespace().last());
        let entry = format!(".visible .entry {}(", name.expect("a kernel's name"));
        assert!(body.contains(&entry), "{entry}");
    }
    assert!(body.contains(".target sm_70"));
}

/// A number that is none stays where it belongs: its sample's row and column, its parameter's entry.
#[test]
fn nan_goes_where_the_processor_puts_it() {
    let Some(harness) = Harness::new() else { return };
    let (n, p) = (70, 45);
    let mut j = real(n * p, 1);
    j[66 + n * 44] = f64::NAN;
    j[3 + n * 17] = f64::INFINITY;
    let m = matrix(&j, n, p);
    let pattern = |v: &Mat<f64>| Mat::from_fn(v.nrows(), v.ncols(), |a, b| v[(a, b)].is_nan());
    let wanted = pattern(&gram_by_faer(&m));
    for kernel in ["gram_f64", "gram_f32"] {
        let found = matrix(&harness.run(kernel, &[n, p, 20], &[&j]), n, n);
        assert_eq!(pattern(&found), wanted, "{kernel}");
        assert!(
            found[(66, 3)].is_nan() && found[(69, 66)].is_nan() && found[(69, 3)].is_infinite()
        );
    }
    let (x, u) = (real(p, 2), real(n, 3));
    let y = harness.run("product", &[n, p, 64, 20], &[&j, &x]);
    assert_eq!(pattern(&matrix(&y, n, 1)), pattern(&(&m * matrix(&x, p, 1))));
    let z = harness.run("transposed_product", &[n, p, 32], &[&j, &u]);
    assert_eq!(pattern(&matrix(&z, p, 1)), pattern(&(m.transpose() * matrix(&u, n, 1))));
}

/// A control on the shim: without any one of its barriers a kernel must be seen to be wrong.
#[test]
fn every_barrier_is_needed_and_missed() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(KERNELS);
    let text = std::fs::read_to_string(source).expect("the kernels");
    let barriers: Vec<usize> = text.match_indices("__syncthreads();").map(|(at, _)| at).collect();
    assert_eq!(barriers.len(), 6);
    let (n, p) = (70, 50);
    let (j, x, u) = (whole(n * p, 1), whole(p, 2), whole(n, 3));
    let attempts = |harness: &Harness| {
        [
            harness.attempt("gram_f64", &[n, p, 40], &[&j]),
            harness.attempt("product", &[n, p, 32, 40], &[&j, &x]),
            harness.attempt("transposed_product", &[n, p, 32], &[&j, &u]),
        ]
    };
    // Seen by NaN, by another order's other numbers, or by a death.
    let seen = |done: &Option<Vec<Vec<f64>>>| {
        done.as_ref().is_none_or(|all| {
            all[0].iter().any(|x| x.is_nan())
                || all[1..].iter().any(|other| bits(other) != bits(&all[0]))
        })
    };
    let Some(whole) = Harness::new() else { return };
    assert!(!attempts(&whole).iter().any(seen), "something is wrong with all barriers in place");
    for (number, at) in barriers.into_iter().enumerate() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("kernels.cu");
        let without = format!("{}{}", &text[..at], &text[at + "__syncthreads();".len()..]);
        std::fs::write(&path, without).expect("a copy");
        let Some(harness) = Harness::around(&path) else { return };
        let done = attempts(&harness);
        assert!(seen(&done[number / 2]), "barrier {number} was not missed");
    }
}
