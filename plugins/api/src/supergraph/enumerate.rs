use super::Supergraph;

impl Supergraph {
    /// All valid genomes in lexicographic order, if the space has at most `limit` genomes before
    /// constraints are applied.
    ///
    /// Several genomes may have the same child: merge them by [`canonical`](Self::canonical).
    pub fn enumerate(&self, limit: u64) -> Option<impl Iterator<Item = Vec<u32>> + '_> {
        if self.size().exact().is_none_or(|size| size > limit.into()) {
            return None;
        }
        let mut next = Some(vec![0; self.genome_len()]);
        let all = std::iter::from_fn(move || {
            let genome = next.take()?;
            // Counts up like an odometer, the last decision fastest.
            next = (0..genome.len())
                .rev()
                .find(|&d| genome[d] + 1 < self.choices(d))
                .map(|d| {
                    let mut following = genome.clone();
                    following[d] += 1;
                    following[d + 1..].fill(0);
                    following
                });
            Some(genome)
        });
        Some(all.filter(|genome| {
            self.inner
                .require
                .iter()
                .all(|require| require.holds(genome))
        }))
    }
}
