//! The networks of a laboratory as a table: `ranking.csv`.

use std::fmt::Write;

use super::RankingLab;
use super::shared::SharedScores;

/// A row for each network, in the notation that tables of a truth have.
pub(super) fn csv(lab: &RankingLab, truth: &[f64], searches: &[SharedScores]) -> String {
    let mut text = "genome,parameters,macs,weighted_ops,truth".to_owned();
    for search in searches {
        let name = format!("{}_{}", search.strategy.word(), search.seed);
        // Writing to a string does not fail.
        let _ = write!(text, ",{name}_reward,{name}_loss");
    }
    text.push('\n');
    for (row, (network, truth)) in lab.networks.iter().zip(truth).enumerate() {
        let genome: Vec<String> = network.genome.iter().map(ToString::to_string).collect();
        let _ = write!(
            text,
            "{},{},{},{},{truth}",
            genome.join(" "),
            network.parameters,
            network.macs,
            network.weighted_ops
        );
        for search in searches {
            let (_, score) = &search.scores[row];
            let _ = write!(text, ",{},{}", score.reward, score.loss);
        }
        text.push('\n');
    }
    text
}
