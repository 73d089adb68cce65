//! Roots of losses' Hessians.

use gradflow::loss::{CrossEntropy, Huber, Logistic, Loss, Reduction, Square, SquareScale};
use gradflow::random::Generator;

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// S Sᵀ = ∇²R on all losses, at outputs up to some thirty, where softmax and sigmoid all but vanish; and Sᵀ is S's
/// transpose. Entries of S Sᵀ are sums of at most four products, each a few ulps off; those of the softmax cancel within
/// a block of size 1 at most.
#[test]
fn a_root_is_a_root_of_the_hessian() {
    let mut draws = Generator::seeded(1);
    for round in 0..200 {
        let size = [0.1, 1.0, 10.0][round % 3];
        let (n, k) = (12, 4);
        let vector = |draws: &mut Generator| draws.gaussians(n);
        let (target, signs) =
            (vector(&mut draws), (0..n).map(|_| draws.sign()).collect::<Vec<_>>());
        let labels: Vec<usize> = (0..n / k).map(|_| draws.below(k)).collect();
        let losses: [Box<dyn Loss>; 7] = [
            Box::new(Square::to(target.clone())),
            Box::new(Square::to(target.clone()).scaled(SquareScale::Mean)),
            Box::new(Logistic::new(signs.clone()).unwrap()),
            Box::new(Logistic::new(signs).unwrap().reduced(Reduction::Mean)),
            Box::new(Huber::to(target)),
            Box::new(CrossEntropy::new(labels.clone(), k).unwrap()),
            Box::new(CrossEntropy::new(labels, k).unwrap().reduced(Reduction::Mean)),
        ];
        for loss in losses {
            let y: Vec<f64> = vector(&mut draws).iter().map(|y| size * y).collect();
            let (a, b) = (vector(&mut draws), vector(&mut draws));
            let root = loss.root(&y).unwrap();
            let (mut transposed, mut squared, mut plain) = (a.clone(), a.clone(), vec![0.0; n]);
            root.apply_transposed(&mut transposed);
            root.apply_transposed(&mut squared);
            root.apply(&mut squared);
            loss.hessian(&y, &a, &mut plain);
            let apart = squared.iter().zip(&plain).map(|(s, p)| (s - p).abs()).fold(0.0, f64::max);
            let largest = a.iter().fold(0.0, |m: f64, a| m.max(a.abs()));
            let limit = 1e-14 * largest * loss.convexity().big_m;
            assert!(apart <= limit, "{}: {apart:e}", loss.name());
            let mut applied = b.clone();
            root.apply(&mut applied);
            let sides = (dot(&applied, &a), dot(&transposed, &b));
            assert!((sides.0 - sides.1).abs() <= 1e-13, "{}: {sides:?}", loss.name());
        }
    }
}
