//! A custom strategy: random search that ends with the best genomes it has seen.

use std::collections::VecDeque;
use std::error::Error;

use serde_json::{Value, from_value, json};
use supernet::plugin::GenomeError;
use supernet::strategy::random::RandomSearch;
use supernet::strategy::{
    Genome, Outcome, Random, Strategy, StrategyError, StrategyStats, Task, Work,
};
use supernet::{Config, Search};
use supernet_enas as _;

struct KeepBest {
    random: RandomSearch,
    out: VecDeque<Task>,
    best: Vec<(f32, Genome)>,
}

impl Strategy for KeepBest {
    fn next(&mut self) -> Result<Option<Task>, StrategyError> {
        let task = self.random.next()?;
        self.out.extend(task.clone());
        Ok(task)
    }

    fn observe(&mut self, outcome: &Outcome) -> Option<StrategyStats> {
        if let (
            Some(Task {
                work: Work::Score { genomes, .. },
                ..
            }),
            Outcome::Scored(scores),
        ) = (self.out.pop_front(), outcome)
        {
            self.best
                .extend(scores.iter().map(|score| score.reward).zip(genomes));
            self.best.sort_by(|a, b| b.0.total_cmp(&a.0));
            self.best.truncate(20);
        }
        self.random.observe(outcome)
    }

    fn sample(&self, count: usize, _: &mut Random) -> Result<Vec<Genome>, GenomeError> {
        Ok(self
            .best
            .iter()
            .map(|(_, genome)| genome.clone())
            .cycle()
            .take(count)
            .collect())
    }

    fn save(&self) -> Value {
        json!({"random": self.random.save(), "best": self.best})
    }

    fn load(&mut self, mut saved: Value) -> Result<(), serde_json::Error> {
        // Genomes that were handed out but not scored are handed out again.
        self.out.clear();
        self.best = from_value(saved["best"].take())?;
        self.random.load(saved["random"].take())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let settings = [
        "search.epochs=4",
        "space.layers=4",
        "derive.candidates=20",
        "derive.report=20",
    ];
    let builder = Search::builder()
        .config(Config::read("", &settings)?)
        .strategy(|space, schedule, seed| {
            let random = RandomSearch::new(space.clone(), schedule, seed);
            Ok(Box::new(KeepBest {
                random,
                out: VecDeque::new(),
                best: Vec::new(),
            }))
        });
    let found = builder
        .start()?
        .wait()?
        .result()
        .ok_or("nobody stopped it")?;
    assert!(found.gain.policy > found.gain.random);
    Ok(())
}
