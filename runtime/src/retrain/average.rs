//! The mean of a network's weights over the last passes (Izmailov et al. 2018, §3.2), the centre of
//! their oscillation.

use supernet_engine::weights::Weights;

/// A running mean of weights, sampled at the ends of passes.
#[derive(Debug)]
pub(crate) struct Average {
    /// The first pass, counted from 0, whose end counts; none without averaging.
    from: Option<u32>,
    /// Number of weights in the mean.
    pub(super) count: u32,
    /// The mean, if it has any samples: weights without the optimiser's moments.
    pub(super) mean: Option<Weights>,
}

impl Average {
    /// An average over the last quarter of `epochs` passes, at least the last one; over none unless
    /// `wanted`.
    pub(crate) fn new(epochs: u32, wanted: bool) -> Self {
        Self {
            from: wanted.then(|| epochs - epochs.div_ceil(4)),
            count: 0,
            mean: None,
        }
    }

    /// Whether the end of that pass counts.
    pub(crate) fn takes(&self, epoch: u32) -> bool {
        self.from.is_some_and(|from| epoch >= from)
    }

    /// Adds weights that were fetched from the device.
    pub(crate) fn take(&mut self, weights: &Weights) {
        self.count += 1;
        let mean = self.mean.get_or_insert_with(|| weights.without_state());
        let share = 1.0 / self.count as f32;
        for (mean, page) in mean
            .pages_mut()
            .values
            .iter_mut()
            .zip(&weights.pages().values)
        {
            mean.iter_mut()
                .zip(page)
                .for_each(|(mean, x)| *mean += share * (x - *mean));
        }
    }

    /// Replaces the weights with the mean, if there is one.
    pub(crate) fn finalize(&self, weights: &mut Weights) {
        if let Some(mean) = &self.mean {
            weights.pages_mut().values.clone_from(&mean.pages().values);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use supernet_engine::weights::Layout;
    use supernet_plugin::{Space, Supergraph};

    use super::*;

    #[test]
    fn the_mean_is_over_the_last_quarter() {
        let s = Space::new("line");
        s.output(s.input("row", &[4]).linear(2, false));
        let supergraph = Supergraph::new(s.finish().unwrap()).unwrap();
        let mut weights = Weights::new(
            &supergraph,
            Arc::new(Layout::new(&supergraph).unwrap()),
            1,
            0,
        );
        let mut average = Average::new(9, true);
        for epoch in 0..9 {
            weights.pages_mut().values[0].fill(epoch as f32);
            if average.takes(epoch) {
                average.take(&weights);
            }
        }
        average.finalize(&mut weights);
        // Epochs 6, 7, 8.
        assert_eq!((average.count, weights.parameter(0)), (3, &[7.0; 8][..]));
        assert_eq!(weights.pages().state.len(), 1);
        assert!(
            Average::new(1, true).takes(0)
                && (0..9).all(|epoch| !Average::new(9, false).takes(epoch))
        );
    }
}
