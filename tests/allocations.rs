//! Repeated sweeps of a network take no fresh memory: an allocator that counts, in a binary of its own.

#![allow(
    unsafe_code,
    reason = "an allocator that counts is an unsafe trait; it only forwards to the system's"
)]

use gradflow::model::{Architecture, Displacement, Extent, Layer, Pooling, Rectification};
use gradflow::prelude::*;
use nalgebra::DMatrix;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    /// Of this thread, on which all the work is done: the harness allocates on its own whenever it likes.
    static BYTES: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: both functions are the system allocator's, called with what they were called with.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.set(BYTES.get() + layout.size());
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

/// Bytes asked for by `f`.
fn bytes(mut f: impl FnMut()) -> usize {
    let before = BYTES.get();
    f();
    BYTES.get() - before
}

/// On one thread, whose bytes are counted.
#[test]
fn repeated_sweeps_allocate_nothing() {
    gradflow::threads::set_limit(1);
    dense_sweeps();
    convolutional_sweeps();
}

fn convolutional_sweeps() {
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

fn dense_sweeps() {
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
