//! Text as minibatches: parallel streams, cut into windows.

/// A text read at `batch` positions at once, some tokens at a time. The text is cut into `batch`
/// streams of equal length, one after the other. Window i holds the same piece of every stream, so
/// stream b of window i continues where stream b of window i − 1 ended, and a state carried from
/// window to window belongs to the preceding text (continuous batching, as in Zaremba et al. 2014).
///
/// Every token but the first is the target of the token before it exactly once, including where one
/// stream ends and the next begins. Only the last (length − 1) mod `batch` tokens, fewer than there
/// are streams, are dropped; with a batch of 1 there are none. If the streams are not a multiple of
/// the window, the last window is shorter, so that no token of the validation or test split goes
/// uncounted: a mean over tokens weighs each window by its [`length`](Streams::length).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Streams {
    tokens: Vec<u32>,
    batch: u32,
    window: u32,
    /// Steps in a stream.
    steps: usize,
}

impl Streams {
    /// Streams over a copy of `tokens`. If there are no more tokens than streams there is no
    /// window; [`Text::fits`](super::Text::fits) reports this in advance.
    pub fn new(tokens: &[u32], batch: u32, window: u32) -> Self {
        let steps = match window {
            0 => 0,
            _ => tokens
                .len()
                .saturating_sub(1)
                .checked_div(batch as usize)
                .unwrap_or(0),
        };
        Self {
            tokens: tokens.to_vec(),
            batch,
            window,
            steps,
        }
    }

    /// Number of windows.
    pub fn windows(&self) -> u32 {
        u32::try_from(self.steps.div_ceil(self.window.max(1) as usize)).unwrap_or(u32::MAX)
    }

    /// Steps in window `i`: `window`, or fewer in the last one; 0 if there is no such window.
    pub fn length(&self, i: u32) -> u32 {
        let left = self.steps.saturating_sub(self.start(i));
        left.min(self.window as usize) as u32
    }

    /// Number of targets in all windows together: the denominator of a mean over tokens.
    pub fn scored(&self) -> u64 {
        self.steps as u64 * u64::from(self.batch)
    }

    /// Writes window `i`, time-major, `[length, batch]`: the tokens to read, and for each the one
    /// that follows it. The previous contents of the vectors are replaced. A window that does not
    /// exist is empty.
    pub fn window(&self, i: u32, inputs: &mut Vec<u32>, targets: &mut Vec<u32>) {
        inputs.clear();
        targets.clear();
        let start = self.start(i);
        for step in start..start + self.length(i) as usize {
            let places = (0..self.batch as usize).map(|stream| stream * self.steps + step);
            inputs.extend(places.clone().map(|place| self.tokens[place]));
            targets.extend(places.map(|place| self.tokens[place + 1]));
        }
    }

    /// The first step of window `i`.
    fn start(&self, i: u32) -> usize {
        i as usize * self.window as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(streams: &Streams, i: u32) -> (Vec<u32>, Vec<u32>) {
        // The previous contents do not matter.
        let (mut inputs, mut targets) = (vec![99; 7], vec![99; 7]);
        streams.window(i, &mut inputs, &mut targets);
        (inputs, targets)
    }

    #[test]
    fn streams_go_on_from_window_to_window_and_the_last_is_shorter() {
        let tokens: Vec<u32> = (0..13).collect();
        let streams = Streams::new(&tokens, 2, 4);
        assert_eq!((streams.windows(), streams.scored()), (2, 12));
        assert_eq!([0, 1, 2].map(|i| streams.length(i)), [4, 2, 0]);
        assert_eq!(
            window(&streams, 0),
            (vec![0, 6, 1, 7, 2, 8, 3, 9], vec![1, 7, 2, 8, 3, 9, 4, 10])
        );
        assert_eq!(
            window(&streams, 1),
            (vec![4, 10, 5, 11], vec![5, 11, 6, 12])
        );
        assert_eq!(window(&streams, 2), (vec![], vec![]));
        assert_eq!(window(&streams, u32::MAX), (vec![], vec![]));
    }

    #[test]
    fn every_token_but_the_first_and_fewer_than_a_batch_at_the_end_is_a_target_once() {
        for length in 0..40_u32 {
            let tokens: Vec<u32> = (0..length).collect();
            for (batch, steps) in [(1, 1), (1, 5), (2, 3), (3, 4), (7, 2), (11, 35)] {
                let streams = Streams::new(&tokens, batch, steps);
                let mut seen: Vec<u32> = Vec::new();
                for i in 0..streams.windows() {
                    let (inputs, targets) = window(&streams, i);
                    assert_eq!(inputs.len() as u32, streams.length(i) * batch);
                    assert!(
                        streams.length(i) > 0
                            && (i + 1 == streams.windows() || streams.length(i) == steps)
                    );
                    assert!(
                        inputs
                            .iter()
                            .zip(&targets)
                            .all(|(input, target)| input + 1 == *target)
                    );
                    seen.extend(targets);
                }
                assert_eq!(seen.len() as u64, streams.scored());
                seen.sort_unstable();
                let last = length.saturating_sub(1) / batch * batch;
                assert_eq!(
                    seen,
                    (1..=last).collect::<Vec<_>>(),
                    "{length} tokens, batch {batch}, window {steps}"
                );
            }
        }
    }

    #[test]
    fn of_too_few_tokens_there_is_no_window() {
        for streams in [
            Streams::new(&[], 1, 1),
            Streams::new(&[1, 2], 2, 1),
            Streams::new(&[1, 2], 0, 1),
            Streams::new(&[1, 2], 1, 0),
        ] {
            assert_eq!(
                (streams.windows(), streams.length(0), streams.scored()),
                (0, 0, 0)
            );
            assert_eq!(window(&streams, 0), (vec![], vec![]));
        }
    }
}
