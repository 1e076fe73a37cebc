use super::Supergraph;

impl Supergraph {
    /// Which choices a decision may still take, given what is decided so far (`None` is undecided).
    ///
    /// A choice is masked if some constraint becomes false whatever follows. So a masked choice is
    /// never valid; one that is not masked may still turn out invalid where several constraints act
    /// together. Panics if `prefix` is not as long as a genome or there is no such decision.
    pub fn allowed(&self, prefix: &[Option<u32>], decision: usize) -> Vec<bool> {
        assert_eq!(
            prefix.len(),
            self.genome_len(),
            "a prefix has an entry per decision"
        );
        let choices = self.inner.choices[decision];
        if self.inner.require.is_empty() {
            return vec![true; choices as usize];
        }
        let possible = |choice: u32| {
            let member = |d: u32, set: &[bool]| {
                let value = if d as usize == decision {
                    Some(choice)
                } else {
                    prefix[d as usize]
                };
                value.map(|value| set[value as usize])
            };
            self.inner
                .require
                .iter()
                .all(|require| require.known(&member) != Some(false))
        };
        (0..choices).map(possible).collect()
    }

    /// Whether a decision matters, given what is decided so far; unknown counts as yes. An inactive
    /// decision has value 0. Panics as [`allowed`](Self::allowed) does.
    pub fn active(&self, prefix: &[Option<u32>], decision: usize) -> bool {
        assert_eq!(
            prefix.len(),
            self.genome_len(),
            "a prefix has an entry per decision"
        );
        let member = |d: u32, set: &[bool]| prefix[d as usize].map(|value| set[value as usize]);
        self.inner.active_if[decision]
            .as_ref()
            .is_none_or(|condition| condition.known(&member) != Some(false))
    }
}
