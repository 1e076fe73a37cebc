//! Training from scratch what a search found: networks with weights of their own, beside random architectures.
//!
//! A search ranks architectures by shared weights. What one of them is worth is known when it is trained alone, on all
//! that the search has seen, training and validation part together (Pham et al. 2018, §3.2), and scored on the test part;
//! and whether the search was worth its while, when random architectures are trained alike (Li and Talwalkar 2019, §3).

mod average;
mod carry;
mod follow;
mod network;
mod phase;
mod plan;
mod result;
mod saved;
#[cfg(test)]
mod tests;

pub use carry::{Architecture, CarryError, Choice};
pub(crate) use follow::{Follow, Plain, Supervised};
pub(crate) use phase::last_phase;
pub(crate) use plan::Plan;
pub use plan::Side;
pub use result::{Comparison, Mean, Retrained, Trained};
pub(crate) use saved::Restored;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use serde_json::json;

use crate::config::Config;
use crate::data::{Dataset, Splits};
use crate::device::Device;
use crate::device::choice::Choice as DeviceChoice;
use crate::evaluate::Evaluator;
use crate::event::{Event, Record};
use crate::model::{Model, Provenance};
use crate::program::Input;
use crate::run::Ask;
use crate::run_folder::{FolderError, RunFolder};
use crate::search::{Search, SearchError, genome_file, same_data};
use crate::space::Spaces;
use crate::strategy::Score;
use crate::train::StageError;
use crate::trial;
use network::Network;
use plan::Planned;

/// Networks that are trained one after the other.
///
/// ```no_run
/// use supernet::{Retraining, device::cpu::Cpu};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // What the run found, with twice the filters, three times, beside three random architectures.
/// let run = "runs/enas-macro-digits-1".as_ref();
/// let retraining = Retraining::of_run(run, &supernet::space::Spaces::linked(), &["space.filters=32"], 3, 3)?;
/// let trained = retraining.run(&mut Cpu::new(0)?, None, &mut |_| {}, &|| false)?;
/// println!("{}", trained.ok_or("it was stopped")?.sentence());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Retraining {
    search: Arc<Search>,
    /// Its training part is what networks are trained on.
    data: Arc<Splits>,
    plan: Plan,
    finished: Vec<Trained>,
    current: Option<Network>,
    /// Whether it was told that it starts.
    begun: bool,
}

impl Retraining {
    /// An architecture of a search's space, `seeds` times, beside `random` random ones, on the search's data. How is said
    /// by `retrain`, `optimizer` and `train` of its settings, where `search.seed` is the first seed. The search itself is
    /// not run.
    ///
    /// # Errors
    /// If the genome is none of the space's, `retrain.epochs` is 0, or the space has no other architecture.
    pub fn new(
        search: Search,
        genome: &[u32],
        seeds: u32,
        random: u32,
    ) -> Result<Self, SearchError> {
        if search.config().retrain.epochs == 0 {
            return Err(SearchError::NoEpochs);
        }
        let supergraph = search.supergraph();
        supergraph.check(genome)?;
        if random > 0 && supergraph.genome_len() == 0 {
            return Err(SearchError::NoOthers {
                space: supergraph.space().name.clone(),
            });
        }
        let plan = Plan::new(&search, genome, seeds, random)?;
        Ok(Self::planned(Arc::new(search), plan))
    }

    /// What the run at `run` found, in its space with other settings (KEY=VALUE): the architecture is carried over by the
    /// names of decisions and choices.
    ///
    /// # Errors
    /// If the run found nothing yet, its space is not there, its data are not what they were, a setting is wrong, or the space
    /// asks other decisions.
    pub fn of_run<S: AsRef<str>>(
        run: &Path,
        spaces: &Spaces,
        assignments: &[S],
        seeds: u32,
        random: u32,
    ) -> Result<Self, SearchError> {
        let (config, earlier) = RunFolder::look(run)?;
        let found = run.join("best/genome.json");
        if !found.exists() {
            return Err(FolderError::Unfinished {
                path: run.to_owned(),
            }
            .into());
        }
        let architecture = Architecture::read(&found)?;
        let before = Config::read::<&str>(&config, &[])?;
        let config = Config::read(&config, assignments)?;
        let data = Dataset::named_as(&config.search.data, &config.text.reading())?;
        // Other data are asked for, or the same text read otherwise.
        let others = config.search.data != before.search.data
            || config.text.reading() != before.text.reading();
        let search = Search::again(spaces, data, config, earlier.as_ref())?;
        if !others {
            same_data(&search, run)?;
        }
        let space = assignments
            .iter()
            .filter_map(|setting| setting.as_ref().strip_prefix("space."));
        let genome = architecture.carry(
            search.supergraph(),
            &space.map(str::to_owned).collect::<Vec<_>>(),
        )?;
        Self::new(search, &genome, seeds, random)
    }

    /// Networks as planned.
    pub(crate) fn planned(search: Arc<Search>, plan: Plan) -> Self {
        let data = Arc::new(search.parts().joined());
        Self {
            search,
            data,
            plan,
            finished: Vec::new(),
            current: None,
            begun: false,
        }
    }

    /// What it is set up with. Its settings are resolved.
    pub fn search(&self) -> &Search {
        &self.search
    }

    /// Tries the space's own ops where the networks will be trained, if it has any.
    ///
    /// # Errors
    /// If one does not do what the space says.
    pub fn try_ops(&self, on: &DeviceChoice) -> Result<(), SearchError> {
        trial::before(&self.search, Some(on))
    }

    /// A new folder for it, as a search's run has one: settings, events, result.
    ///
    /// # Errors
    /// If something is at `path`, or the system refuses.
    pub fn folder(&self, path: &Path) -> Result<RunFolder, SearchError> {
        self.described(RunFolder::create(path, &self.search.config().to_toml()?)?)
    }

    /// The same, in `parent`: the first of `name-1`, `name-2`, ... that does not exist.
    ///
    /// # Errors
    /// As [`Retraining::folder`].
    pub fn fresh_folder(&self, parent: &Path, name: &str) -> Result<RunFolder, SearchError> {
        self.described(RunFolder::fresh(
            parent,
            name,
            &self.search.config().to_toml()?,
        )?)
    }

    fn described(&self, folder: RunFolder) -> Result<RunFolder, SearchError> {
        folder.write_origin(self.search.origin())?;
        folder.write_profile(&self.search.profile())?;
        Ok(folder)
    }

    /// Goes on with what was stopped, by itself and not as the last phase of a search, in its folder.
    ///
    /// # Errors
    /// If there is nothing that could go on, or the space or the data are not the same.
    pub fn resume(path: &Path, spaces: &Spaces) -> Result<(Self, RunFolder), SearchError> {
        let (mut folder, config) = RunFolder::open(path)?;
        let config = Config::read::<&str>(&config, &[])?;
        let earlier = folder.origin()?;
        let data = Dataset::named_as(&config.search.data, &config.text.reading())?;
        let search = Search::again(spaces, data, config, earlier.as_ref());
        let search = Arc::new(crate::search::same_space(search, earlier, path)?);
        same_data(&search, path)?;
        let (restored, damaged) = Self::read(path, &search, folder.end().bytes)?;
        let Some(Restored {
            retraining,
            log,
            events,
        }) = restored
        else {
            let reasons = if damaged.is_empty() {
                "there is none".to_owned()
            } else {
                damaged.join("; ")
            };
            return Err(FolderError::AllDamaged {
                path: path.to_owned(),
                reasons,
            }
            .into());
        };
        folder.rewind(log)?;
        folder.told = events;
        Ok((retraining, folder))
    }

    /// Trains the networks on the thread that calls. Every event goes to `listen`, and into the folder if there is one,
    /// which also receives states to go on from and the result. `stop` is asked between steps; if it says so, what was done
    /// is saved, and there is no result.
    ///
    /// # Errors
    /// If the device fails, or the folder cannot be written. A network that diverges is no error: it has no score.
    pub fn run(
        self,
        device: &mut dyn Device,
        folder: Option<&mut RunFolder>,
        listen: &mut dyn FnMut(&Record),
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<Retrained>, SearchError> {
        let (told, before) = folder
            .as_ref()
            .map_or((0, 0.0), |folder| (folder.told, folder.end().at));
        let mut plain = Plain::new(folder, listen, stop, told, before);
        plain.saves = true;
        if self.begun {
            plain.incident(Event::Resumed {
                steps: self.steps(),
            })?;
        }
        self.go(device, &mut plain)
    }

    /// Steps done, over all networks.
    fn steps(&self) -> u64 {
        let current = self
            .current
            .as_ref()
            .map_or(0, |network| u64::from(network.done()));
        let whole =
            u64::from(self.search.config().retrain.epochs) * u64::from(plan::steps(&self.search));
        self.finished.len() as u64 * whole + current
    }

    /// Trains what is left to be trained; none if it was stopped.
    pub(crate) fn go(
        mut self,
        device: &mut dyn Device,
        follow: &mut dyn Follow,
    ) -> Result<Option<Retrained>, SearchError> {
        if !self.begun {
            follow.tell(self.plan.started(&self.search))?;
            self.begun = true;
            self.save(device, follow)?;
            self.name(follow)?;
        }
        while let Some(planned) = self.plan.networks.get(self.finished.len()).cloned() {
            match self.train(&planned, device, follow)? {
                Some(trained) => {
                    let network = self.finished.len() as u32;
                    follow.tell(Event::Retrained {
                        network,
                        trained: trained.clone(),
                    })?;
                    self.finished.push(trained);
                    self.current = None;
                    self.save(device, follow)?;
                }
                None => return Ok(None),
            }
        }
        let retrained = Retrained::new(
            self.search.config().retrain.epochs,
            self.finished,
            self.search.ground().measure,
        );
        let (comparison, summary) = (retrained.comparison, retrained.sentence());
        follow.tell(Event::RetrainCompared {
            comparison,
            summary,
        })?;
        if let Some(folder) = follow.folder() {
            folder.sync()?;
            folder.write_json("best/retrained.json", &retrained)?;
            Self::forget(folder.path())?;
        }
        Ok(Some(retrained))
    }

    /// Trains one network to its end; none if it was stopped.
    fn train(
        &mut self,
        planned: &Planned,
        device: &mut dyn Device,
        follow: &mut dyn Follow,
    ) -> Result<Option<Trained>, SearchError> {
        let network = match self.current.take() {
            Some(network) => network,
            None => Network::new(&self.search, &self.data, planned)?,
        };
        network.reserve(&self.search, device)?;
        self.current = Some(network);
        let minutes = self.search.config().checkpoint.minutes;
        let (mut saved, mut train) = (Instant::now(), None);
        while let Some(network) = self
            .current
            .as_mut()
            .filter(|network| !network.is_through())
        {
            let ask = follow.asked();
            if ask != Ask::GoOn {
                self.save(device, follow)?;
                if self.rests(ask, follow)? {
                    return Ok(None);
                }
                continue;
            }
            match network.step(device) {
                Err(error @ StageError::Diverged { .. }) => {
                    follow.tell(Event::SetAside {
                        genome: planned.genome.clone(),
                        reason: error.to_string(),
                    })?;
                    device.forget();
                    return self.trained(planned, None, None).map(Some);
                }
                Err(error) => return Err(error.into()),
                Ok(None) => {}
                Ok(Some(passed)) => {
                    train = Some(passed.score);
                    let (network, seed) = (self.finished.len() as u32, planned.seed);
                    let network::Passed { epoch, rate, score } = passed;
                    follow.tell(Event::RetrainEpoch {
                        network,
                        side: planned.side,
                        seed,
                        epoch,
                        rate,
                        score,
                    })?;
                }
            }
            // How often it is saved changes no result.
            if saved.elapsed().as_secs_f64() >= 60.0 * minutes {
                self.save(device, follow)?;
                saved = Instant::now();
            }
        }
        let test = self.settle(planned, device, follow)?;
        self.trained(planned, train, Some(test)).map(Some)
    }

    /// Whether it ends now, after it was saved.
    fn rests(&self, ask: Ask, follow: &mut dyn Follow) -> Result<bool, SearchError> {
        let steps = self.steps();
        let ask = match ask {
            Ask::Pause => {
                follow.incident(Event::Paused)?;
                follow.stand()
            }
            ask => ask,
        };
        if ask == Ask::Stop {
            follow.incident(Event::Stopped { steps })?;
            return Ok(true);
        }
        follow.incident(Event::Resumed { steps })?;
        Ok(false)
    }

    /// The end of a network: frozen, it is scored on the test part; the first one with the architecture that was found is
    /// kept.
    fn settle(
        &mut self,
        planned: &Planned,
        device: &mut dyn Device,
        follow: &mut dyn Follow,
    ) -> Result<Score, SearchError> {
        let Some(network) = &mut self.current else {
            return Ok(Score::WORST);
        };
        network.settle(device)?;
        let (config, data) = (self.search.config(), &self.data);
        if let Input::Tokens(_) = network.ground.input {
            // A language model is not kept. One that normalises is tested with the statistics of the minibatch, as in a search.
            let mut evaluator =
                Evaluator::new(network.ground.clone(), config.score.batch, planned.seed);
            return Ok(evaluator.test(device, &network.weights, &planned.genome)?);
        }
        let training = json!({ "retrain": config.retrain, "optimizer": config.optimizer, "seed": planned.seed });
        let (name, fingerprint) = (config.search.data.clone(), None);
        let provenance = Provenance {
            data: name,
            fingerprint,
            split: config.split(),
            training,
        };
        let (ground, batch) = (&network.ground, config.train.batch);
        let model = Model::freeze(
            ground,
            &planned.genome,
            &mut network.weights,
            device,
            batch,
            provenance,
        )?;
        let tested = model.evaluate_parts(device, data, &[&data.test])?;
        // Which one is kept does not depend on how it does. One that is there was written before a failure, alike.
        if let Some(folder) = follow
            .folder()
            .filter(|_| self.finished.is_empty() && planned.side == Side::Found)
        {
            let place = folder.path().join("best/model");
            if !place.exists() {
                let profile = self.search.profile();
                model
                    .called(&profile.class_names)?
                    .trained_on(profile.fingerprint)
                    .save(&place)?;
            }
        }
        Ok(Score {
            accuracy: tested.accuracy as f32,
            loss: tested.loss as f32,
        })
    }

    fn trained(
        &self,
        planned: &Planned,
        train: Option<Score>,
        test: Option<Score>,
    ) -> Result<Trained, SearchError> {
        let (supergraph, Planned { side, genome, seed }) =
            (self.search.supergraph(), planned.clone());
        let parameters = supergraph.count(&genome, supernet_plugin::Count::Live)?;
        let macs = supergraph.macs(&genome)?;
        Ok(Trained {
            side,
            genome,
            seed,
            parameters,
            macs,
            train,
            test,
        })
    }

    /// Writes down which architecture it is, unless the search did.
    fn name(&self, follow: &mut dyn Follow) -> Result<(), SearchError> {
        let found = self
            .plan
            .networks
            .iter()
            .find(|planned| planned.side == Side::Found);
        if let (Some(folder), Some(planned)) = (follow.folder(), found)
            && !folder.path().join("best/genome.json").exists()
        {
            folder.write_json(
                "best/genome.json",
                &genome_file(self.search.supergraph(), &planned.genome, None)?,
            )?;
        }
        Ok(())
    }

    fn save(
        &mut self,
        device: &mut dyn Device,
        follow: &mut dyn Follow,
    ) -> Result<(), SearchError> {
        let Some((folder, log, events)) = follow.saves()? else {
            return Ok(());
        };
        let path = folder.path().to_owned();
        self.write(&path, log, events, device)?;
        follow.incident(Event::Saved {
            steps: self.steps(),
        })
    }
}
