//! A search method of one's own: a sampler and a learner over a table of logits. All choices run,
//! weighted by their probabilities, and logits move by a constant against the sign of their gradient.

use std::error::Error;

use serde_json::{Value, from_value, json};
use supernet::plugin::{GenomeError, Supergraph};
use supernet::strategy::table_policy::{LogitTable, Sampler};
use supernet::strategy::{
    Genome, MethodStrategy, Moment, Pass, PassSamples, Random, SearchMethod, StepOutcome, StepWork,
    StrategyError, StrategyStats,
};
use supernet::{Config, Search};
use supernet_enas as _;

struct SignDescent {
    space: Supergraph,
    table: LogitTable,
}

impl SearchMethod for SignDescent {
    fn training(&mut self, _: &Moment, random: &mut Random) -> Result<StepWork, StrategyError> {
        Ok(StepWork::Paths(vec![
            self.table.sample(&self.space, random)?,
        ]))
    }

    fn policy_passes(
        &mut self,
        at: &Moment,
        batch: u64,
        random: &mut Random,
    ) -> Result<Vec<Pass>, StrategyError> {
        let path = Sampler::Softmax.draw(&self.table, random).path();
        let pass = Pass::score(path, PassSamples::Validation(batch));
        Ok(if at.is_warm_up() {
            Vec::new()
        } else {
            vec![pass]
        })
    }

    fn learn(&mut self, _: &Moment, outcome: &StepOutcome) -> StrategyStats {
        // The softmax draws nothing, so the same sample comes back.
        let drawn = Sampler::Softmax.draw(
            &self.table,
            &mut Random::new(0, supernet::strategy::RngStream::Strategy),
        );
        let gradient = drawn.logit_gradient(&self.table, &outcome.passes[0].gradient);
        for (logits, gradient) in self.table.logits_mut().iter_mut().zip(gradient) {
            logits
                .iter_mut()
                .zip(gradient)
                .for_each(|(logit, g)| *logit -= 0.02 * g.signum());
        }
        StrategyStats {
            reward: outcome.passes[0].score.reward,
            ..StrategyStats::default()
        }
    }

    fn sample(&self, count: usize, random: &mut Random) -> Result<Vec<Genome>, GenomeError> {
        (0..count)
            .map(|_| self.table.sample(&self.space, random))
            .collect()
    }

    fn favourite(&self) -> Result<Option<Genome>, GenomeError> {
        self.table.strongest(&self.space).map(Some)
    }

    fn save(&self) -> Value {
        json!(self.table)
    }

    fn load(&mut self, saved: Value) -> Result<(), serde_json::Error> {
        self.table = from_value(saved)?;
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let settings = [
        "search.epochs=8",
        "space.layers=4",
        "train.paths=1",
        "derive.report=20",
        "retrain.epochs=0",
    ];
    let search = Search::builder()
        .config(Config::read("", &settings)?)
        .strategy(|space, schedule, seed| {
            let method = SignDescent {
                space: space.clone(),
                table: LogitTable::of(space),
            };
            Ok(Box::new(MethodStrategy::new(
                "sign-descent",
                space.clone(),
                schedule,
                method,
                seed,
            )))
        });
    let found = search
        .start()?
        .wait()?
        .result()
        .ok_or("nobody stopped it")?;
    let best = found.best().ok_or("it found nothing")?;
    // By chance a tenth would be right.
    assert!(best.score.reward > 0.3, "{best:?}");
    Ok(())
}
