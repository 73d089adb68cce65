//! Stability of activations: which units are on, before and after training (Chizat et al. 2019, App. C.2).

use super::ConvNet;
use super::group::groups;
use crate::threads;

impl ConvNet {
    /// For each rectifier, the share over (sample, unit) of arguments that are positive at both weights or at neither.
    ///
    /// # Panics
    /// Unless both have length p.
    pub fn unchanged_signs(&self, start: &[f64], w: &[f64]) -> Vec<f64> {
        let net = &self.architecture;
        let rectifiers = net.rectifiers().count();
        let mut counts = vec![0.0; groups(self.samples).count() * rectifiers];
        let blocks = groups(self.samples).zip(counts.chunks_mut(rectifiers.max(1)));
        threads::share(self.operations(2), blocks, |(group, counts)| {
            let with = (group.len(), &self.buffers);
            let mut nodes = [(); 2].map(|()| self.buffers.take(group.len() * net.total()));
            for (nodes, w) in nodes.iter_mut().zip([start, w]) {
                self.load(&group, nodes);
                net.forward(w, nodes, with);
            }
            for (count, (node, _)) in counts.iter_mut().zip(net.rectifiers()) {
                let place = net.place(node, group.len());
                let pairs = nodes[0][place.clone()].iter().zip(&nodes[1][place]);
                *count = pairs.filter(|(a, b)| (**a > 0.0) == (**b > 0.0)).count() as f64;
            }
        });
        let units = net.rectifiers().map(|(_, rectifier)| rectifier.extent.numbers());
        let shares = units.enumerate().map(|(r, units)| {
            let same: f64 = counts.iter().skip(r).step_by(rectifiers).sum();
            same / (units * self.samples) as f64
        });
        shares.collect()
    }
}
