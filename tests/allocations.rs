//! Repeated sweeps of a network and steps of a solve take no fresh memory: an allocator that counts, in a binary of its
//! own.

#![allow(
    unsafe_code,
    reason = "an allocator that counts is an unsafe trait; it only forwards to the system's"
)]

use gradflow::flow::Work;
use gradflow::model::{Architecture, Displacement, Extent, Layer, Pooling, Rectification};
use gradflow::prelude::*;
use gradflow::solve::{Exponential, Options};
use nalgebra::DMatrix;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    /// Bytes that this thread has asked for: the test harness has threads of its own.
    static BYTES: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: both functions are the system allocator's, called with what they were called with.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // A thread that ends has no counter any more.
        let _ = BYTES.try_with(|bytes| bytes.set(bytes.get() + layout.size()));
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is handed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes asked for by `f` on this thread.
fn bytes(mut f: impl FnMut()) -> usize {
    let before = BYTES.get();
    f();
    BYTES.get() - before
}

#[test]
fn repeated_convolutional_sweeps_allocate_nothing() {
    gradflow::threads::set_limit(1);
    let layers = [
        Layer::Convolution { channels: 4, kernel: 3, stride: 1, padding: 1, biases: true },
        Layer::Rectifier(Rectification::Prelu),
        Layer::Pool(Pooling::Max, 2),
        Layer::Residual { channels: 6, stride: 2, rectifier: Rectification::Relu },
        Layer::Dense { outputs: 2, biases: true },
    ];
    let images = DMatrix::from_fn(192, 40, |i, j| ((7 * i + j) as f64).sin());
    let net = Architecture::new(Extent { channels: 3, height: 8, width: 8 }, &layers).unwrap();
    let mut net = net.on(images.clone()).unwrap();
    let Shape { params: p, outputs: n } = net.shape();
    let start: Vec<f64> = (0..p).map(|i| (i as f64).cos()).collect();
    let (mut w, u, v) = (start.clone(), start.clone(), vec![1.0; n]);
    let (mut dw, mut change, mut dy) = (start.clone(), start.clone(), vec![0.0; n]);
    let mut once = || {
        w[0] += 0.1;
        net.replace(images.as_slice()).unwrap();
        net.value(&w, &mut dy);
        net.gradient(&w, &mut |y, v| v.copy_from_slice(y), &mut dw);
        net.jvp(&start, &u, &mut dy);
        net.vjp(&start, &v, &mut dw);
        let at = Displacement { start: &start, first: &u, rest: &u, eps: 0.1 };
        net.increment(at, &mut |y, _, v, _| v.copy_from_slice(y), &mut dw, &mut change);
    };
    assert!(bytes(&mut once) > 8 * p, "the counter has lost its eyes");
    once();
    for round in 0..5 {
        let found = bytes(&mut once);
        assert!(found < 1024, "round {round}: {found} bytes");
    }
}

#[test]
fn repeated_sweeps_allocate_nothing() {
    gradflow::threads::set_limit(1);
    let inputs = DMatrix::from_fn(6, 50, |i, j| ((7 * i + j) as f64).sin());
    let net = Mlp { hidden: vec![40, 30, 20], outputs: 2, ..Mlp::default() }.on(inputs).unwrap();
    let Shape { params: p, outputs: n } = net.shape();
    let start: Vec<f64> = (0..p).map(|i| (i as f64).cos()).collect();
    let (mut w, u) = (start.clone(), start.clone());
    let (mut dw, mut change, mut dy, v) =
        (start.clone(), start.clone(), vec![0.0; n], vec![1.0; n]);
    let centred = Centred::at(&net, &start);
    let mut once = || {
        w[0] += 0.1;
        centred.gradient(&w, &mut |y, v| v.copy_from_slice(y), &mut dw);
        net.jvp(&start, &u, &mut dy);
        net.vjp(&start, &v, &mut dw);
        let at = Displacement { start: &start, first: &u, rest: &u, eps: 0.1 };
        net.increment(at, &mut |y, _, v, _| v.copy_from_slice(y), &mut dw, &mut change);
    };
    assert!(bytes(&mut once) > 8 * p, "the counter has lost its eyes");
    // What grows later grows in the second round: buffers are lent by size.
    once();
    for round in 0..5 {
        let found = bytes(&mut once);
        // An increment keeps a list of its hidden layers, a few hundred bytes.
        assert!(found < 1024, "round {round}: {found} bytes");
    }
    let mut gradient = || net.gradient(&u, &mut |y, v| v.copy_from_slice(y), &mut dw);
    gradient();
    assert_eq!(bytes(gradient), 0);
}

/// A network with modes by the decomposition of its Jacobian, and one large enough for products with its sweeps.
fn networks() -> [Network; 2] {
    [(3, 20, 40), (8, 60, 300)].map(|(d, n, width)| {
        let inputs = DMatrix::from_fn(d, n, |i, j| ((7 * i + 3 * j) as f64).sin());
        TwoLayer { width, ..TwoLayer::default() }.on(inputs).unwrap()
    })
}

/// Bytes asked for and steps made up to `end`, in units of the fastest time.
fn spent(net: &Network, alpha: f64, end: f64, gap: bool) -> (usize, usize) {
    let start: Vec<f64> = (0..net.params()).map(|i| (1.7 * i as f64).cos()).collect();
    let target: Vec<f64> = (0..net.samples()).map(|i| (2.3 * i as f64).sin()).collect();
    let end = end / net.kernel(&start).symmetric_eigenvalues().max();
    // A clone comes without the memory of earlier sweeps.
    let flow = Flow::new(Centred::at(net.clone(), &start), Square::to(target), start);
    let flow = flow.scaled(alpha);
    let options = Options { rtol: 1e-10, ..Options::default() };
    let mut work = Work::default();
    let bytes = bytes(|| {
        work = if gap {
            Gap { options, ..Gap::default() }.solve(&flow, &[end]).unwrap().work
        } else {
            flow.solve(&Exponential(options), &[end]).unwrap().work
        };
    });
    assert_eq!(work.jacobians, 0, "lazy, so that the tangent is never taken anew");
    (bytes, work.steps)
}

#[test]
fn a_longer_solve_allocates_no_more() {
    gradflow::threads::set_limit(1);
    for net in networks() {
        // Plainly, by increments, and the gap.
        for (alpha, gap) in [(400.0, false), (1e3, false), (1e3, true)] {
            let (short, few) = spent(&net, alpha, 10.0, gap);
            let (long, many) = spent(&net, alpha, 1000.0, gap);
            // Enough for all past values there can be, and then more.
            assert!(few >= 15 && many >= few + 10, "{few} steps, {many} steps");
            // Where a gap has a top between two steps the path is looked at there, a few times in all; one vector of
            // weights a step would be twice this.
            let most = short + if gap { 4 * net.params() * (many - few) } else { 0 };
            assert!(long <= most, "α = {alpha:e}: {short} bytes in {few}, {long} in {many} steps");
        }
    }
}
