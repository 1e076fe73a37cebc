//! The result of a search.

use serde_json::json;
use supernet_data::{Dataset, SplitSpec, Splits};
use supernet_draw::Caption;
use supernet_engine::device::Device;
use supernet_engine::program::{CustomOps, Input};
use supernet_engine::weights::Weights;
use supernet_plugin::Supergraph;
use supernet_strategy::Score;

use super::error::SearchError;
use super::final_evaluation::SearchOutcome;
use crate::experiment::Experiment;
use crate::model::{Model, ModelError, Provenance};
use crate::results::genome_file::{SharedScore, genome_file};
use crate::results::{
    Candidate, Front, Ledger, Metric, PolicyGain, Retrained, Selection, ShortTraining, thousands,
};
use crate::space::Spaces;
use crate::storage::RunFolder;
use crate::training::TaskContext;

/// Images per minibatch for the statistics of batch normalisation, if nothing specifies it.
const BATCH: u32 = 100;

/// The result of a search.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SearchResult {
    /// The space.
    pub supergraph: Supergraph,
    /// The data set's name.
    pub data: String,
    /// The best architectures by the shared weights, best first, at most ten. With a selection,
    /// the best of all is [`SearchResult::best`].
    pub top: Vec<Candidate>,
    /// All distinct architectures of the final evaluation, or those that selection leaves.
    pub(crate) scored: Vec<Candidate>,
    /// The choice among them by short trainings of each alone; none if the settings disable it, or
    /// the search was too short for it
    /// ([`SelectionSettings::share`](crate::config::SelectionSettings::share)).
    pub selection: Option<Selection>,
    /// The policy compared with random samples.
    pub gain: PolicyGain,
    /// The best architecture's score on the test split, with the shared weights; [`Score::WORST`]
    /// if no weights were shared.
    pub test: Score,
    /// What the search computed, without what selection and retraining did after it.
    pub ledger: Ledger,
    /// The meaning of a score's reward.
    pub metric: Metric,
    /// The shared weights at the end.
    pub weights: Weights,
    /// The best architecture trained from scratch, next to random ones; none if the settings
    /// disable it, or if it would have cost too much
    /// ([`RetrainSettings::budget`](crate::config::RetrainSettings::budget)).
    pub retrained: Option<Retrained>,
}

impl SearchResult {
    /// Assembles the result of a search of `experiment`.
    pub(crate) fn new(experiment: &Experiment, outcome: SearchOutcome, weights: Weights) -> Self {
        let SearchOutcome {
            scored,
            top,
            gain,
            test,
            ledger,
            selection,
        } = outcome;
        let mut result = Self {
            supergraph: experiment.supergraph().clone(),
            data: experiment.data().name().to_owned(),
            top,
            scored,
            selection: None,
            gain,
            test,
            ledger,
            metric: experiment.task().metric,
            weights,
            retrained: None,
        };
        if let Some(selection) = selection {
            result.select(selection);
        }
        result
    }

    /// Adds the result of a selection.
    pub(crate) fn select(&mut self, selection: Selection) {
        for best in &selection.top {
            if self.scored.iter().all(|of| of.genome != best.genome) {
                self.scored.push(best.candidate());
            }
        }
        self.selection = Some(selection);
    }

    /// The best architecture: by the selection, or by the shared weights if there is none.
    pub fn best(&self) -> Option<&Candidate> {
        let selected = self.selection.as_ref().and_then(|of| of.top.first());
        let scored = selected.and_then(|best| {
            let mut scored = self.scored.iter();
            scored.find(|candidate| candidate.genome == best.genome)
        });
        scored.or_else(|| self.top.first())
    }

    /// The front of quality and size, over the networks that were retrained, or else those that
    /// selection trained for longest; none if no network was trained alone.
    pub fn front(&self) -> Option<Front> {
        Front::new(
            self.retrained.as_ref(),
            self.selection.as_ref(),
            self.metric,
        )
    }

    /// Writes `best/genome.json`, `best/architecture.svg` and `best/top.json` into the run folder.
    pub(crate) fn save(&self, folder: &RunFolder) -> Result<(), SearchError> {
        let Some(best) = self.best() else {
            return Ok(());
        };
        let selected = self.selection.as_ref().and_then(|of| of.top.first());
        // The test split was read for the best by shared weights alone.
        let tested = self.top.first() == Some(best);
        let space = self.supergraph.space();
        let shared = best.shared().map(|validation| SharedScore {
            version: self.weights.version,
            validation,
            test: tested.then_some(self.test),
        });
        folder.write_json(
            "best/genome.json",
            &genome_file(&self.supergraph, &best.genome, shared)?.trained_alone(selected),
        )?;
        if !self.top.is_empty() {
            folder.write_json("best/top.json", &self.top)?;
        }
        if let Some(selection) = &self.selection {
            folder.write_json("best/selection.json", selection)?;
        }
        let caption = Caption {
            title: format!("{} on {}", space.name, self.data),
            subtitle: format!(
                "{} · {} parameters · {} multiply-accumulates",
                scores(self.metric, best, selected),
                thousands(best.parameters),
                thousands(best.macs)
            ),
        };
        let svg = supernet_draw::svg(&self.supergraph, &best.genome, &caption)?;
        folder.write("best/architecture.svg", svg.as_bytes())?;
        Ok(())
    }

    /// The best architecture as a model with the final shared weights. `data` and `split` are those
    /// of the search. The model works, but does not show what the architecture can achieve: that
    /// takes training from scratch.
    ///
    /// On the CPU device, custom ops run by the functions that `spaces` provides.
    ///
    /// # Errors
    /// If the search found nothing, the data do not fit, or the device fails.
    pub fn to_model(
        &self,
        data: &Dataset,
        split: &SplitSpec,
        spaces: &Spaces,
        device: &mut dyn Device,
    ) -> Result<Model, ModelError> {
        // Without a score there are no shared weights that were trained.
        let best = self.best().filter(|best| best.shared().is_some());
        let best = best.ok_or(ModelError::Nothing)?;
        let (supergraph, mut weights) = (self.supergraph.clone(), self.weights.clone());
        let custom = CustomOps::new(supergraph.space(), |op| spaces.cpu_kernel(op))?;
        let (layout, splits) = (weights.layout().clone(), Splits::new(data, split)?);
        if data.text().is_some() {
            return Err(ModelError::Text);
        }
        let (input, classes, metric) =
            (Input::Image(data.shape()), data.classes(), Metric::Accuracy);
        let task = TaskContext {
            supergraph,
            custom,
            layout,
            data: splits.into(),
            input,
            classes,
            metric,
        };
        let training = json!("shared weights of a search");
        let (name, fingerprint) = (data.name().to_owned(), Some(data.fingerprint()));
        let provenance = Provenance {
            data: name,
            fingerprint,
            split: *split,
            training,
        };
        Model::freeze(&task, &best.genome, &mut weights, device, BATCH, provenance)?
            .called(data.class_names())
    }
}

/// The scores of an architecture in words: after training alone, and with the shared weights.
fn scores(metric: Metric, best: &Candidate, selected: Option<&ShortTraining>) -> String {
    let on = |score| metric.on("validation", &score);
    let alone = selected.and_then(|of| {
        Some(format!(
            "{} after {} epochs alone",
            on(of.alone?),
            of.epochs
        ))
    });
    let shared = best
        .shared()
        .map(|score| format!("{} with shared weights", on(score)));
    alone
        .into_iter()
        .chain(shared)
        .collect::<Vec<_>>()
        .join(", ")
}
