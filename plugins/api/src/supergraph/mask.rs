use super::Supergraph;

impl Supergraph {
    /// The choices that a decision may still take, given what is decided so far (`None` is
    /// undecided).
    ///
    /// A choice is masked if some constraint becomes false whatever follows. A masked choice is
    /// therefore never valid; an unmasked one may still turn out to be invalid where several
    /// constraints interact. Panics if `prefix` does not have the length of a genome or if there is
    /// no such decision.
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
    /// decision has the value 0. Panics like [`allowed`](Self::allowed).
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
