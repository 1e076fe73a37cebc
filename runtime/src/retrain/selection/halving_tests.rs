use supernet_shaders::random::{Random, RngStream};

use super::super::plan::{PassCosts, Rung};
use super::*;
use crate::results::Predictor;

/// The loss of a candidate after so many epochs alone.
type Truth<'a> = &'a dyn Fn(usize, u32) -> f64;

const CANDIDATES: usize = 200;

/// Candidates of four decisions, whose sizes say nothing of their losses. Their shared losses are
/// given.
fn candidates(shared: &dyn Fn(usize) -> f64) -> Vec<Candidate> {
    let mut random = Random::new(5, RngStream::Test(60));
    (0..CANDIDATES)
        .map(|index| Candidate {
            genome: (0..4)
                .map(|decision| (index as u32 / [1, 4, 16, 64][decision]) % 4)
                .collect(),
            score: Score {
                reward: 0.5,
                loss: shared(index) as f32,
            },
            parameters: u64::from(1000 + random.below(1000)),
            macs: 100,
        })
        .collect()
}

/// Losses in a random order of the candidates: no decision has an effect of its own.
fn losses() -> Vec<f64> {
    let mut order: Vec<usize> = (0..CANDIDATES).collect();
    Random::new(9, RngStream::Test(61)).shuffle(&mut order);
    order.into_iter().map(|rank| 0.01 * rank as f64).collect()
}

fn plan(rungs: &[(u32, u32)], budget: f64) -> SelectionPlan {
    let rung = |(networks, epochs): &(u32, u32)| Rung {
        networks: *networks,
        epochs: *epochs,
    };
    SelectionPlan {
        rungs: rungs.iter().map(rung).collect(),
        finalists: 2,
        costs: PassCosts {
            epoch: 1.0,
            evaluation: 0.0,
        },
        budget,
    }
}

/// Runs a selection to its end, and returns it with the candidates of each rung.
fn run(candidates: Vec<Candidate>, truth: Truth<'_>) -> (Selection, Vec<Vec<usize>>) {
    let canonical: Vec<Vec<u32>> = candidates.iter().map(|of| of.genome.clone()).collect();
    let plan = plan(&[(16, 4), (8, 8), (4, 16)], 1e9);
    let mut halving = Halving::among(candidates, &canonical, 0, plan, 3);
    while let Some((_, index)) = halving.position() {
        let loss = truth(index, halving.next().unwrap().epochs);
        halving.complete(Some(Score {
            reward: 0.5,
            loss: loss as f32,
        }));
    }
    (halving.result(), halving.rungs)
}

#[test]
fn perfect_shared_scores_are_used_and_find_the_best() {
    let losses = losses();
    let truth = |index: usize, _| losses[index];
    let (selection, rungs) = run(candidates(&|index| losses[index]), &truth);
    let comparison = selection.predictors.unwrap();
    assert_eq!(comparison.chosen, Some(Predictor::SharedLoss));
    let shared = comparison.of(Predictor::SharedLoss).unwrap().agreement;
    assert_eq!(shared.tau, 1.0);
    assert!(shared.standard_error < 1e-9);
    assert!(comparison.beyond_size.unwrap().tau > 0.99);
    let verdict = &comparison.verdict;
    assert!(
        verdict.starts_with(
            "the loss with shared weights ranks 16 networks that were trained alone with τ = 1.00 ± 0.00 (1.00 ± 0.00 at \
             equal size), and their number of parameters with τ = "
        ) && verdict.ends_with("as nothing else does better"),
        "{verdict}"
    );
    // The best of all, and half of the second rung is new: the best that the first one lacked.
    assert_eq!(selection.top[0].shared.unwrap().loss, 0.0);
    assert_eq!(rungs.iter().map(Vec::len).collect::<Vec<_>>(), [16, 8, 4]);
    let fresh: Vec<usize> = rungs[1]
        .iter()
        .copied()
        .filter(|index| !rungs[0].contains(index))
        .collect();
    assert_eq!(fresh.len(), 4);
    let mut lacked: Vec<usize> = (0..CANDIDATES)
        .filter(|index| !rungs[0].contains(index))
        .collect();
    lacked.sort_by(|a, b| losses[*a].total_cmp(&losses[*b]));
    assert_eq!(fresh, lacked[..4]);
}

#[test]
fn shuffled_shared_scores_add_nothing_and_the_choice_is_no_worse_than_halving_alone() {
    let truth = losses();
    let mut shuffled = truth.clone();
    Random::new(2, RngStream::Test(62)).shuffle(&mut shuffled);
    let (selection, rungs) = run(candidates(&|index| shuffled[index]), &|index, _| {
        truth[index]
    });
    let comparison = selection.predictors.unwrap();
    assert!(
        comparison
            .verdict
            .contains("within the errors, the shared weights add nothing to size"),
        "{}",
        comparison.verdict
    );
    assert!(
        !matches!(
            comparison.chosen,
            Some(Predictor::SharedLoss | Predictor::Regression)
        ),
        "{comparison:?}"
    );
    // Halving alone would end with the best of the first rung.
    let best = rungs[0]
        .iter()
        .map(|index| truth[*index])
        .fold(2.0, f64::min);
    assert!(f64::from(selection.top[0].alone.unwrap().loss) <= best + 1e-6);
}

#[test]
fn additive_decisions_are_learnt_without_the_shared_scores() {
    let mut noise = Random::new(4, RngStream::Test(63));
    let shared: Vec<f64> = (0..CANDIDATES).map(|_| f64::from(noise.unit())).collect();
    let all = candidates(&|index| shared[index]);
    let genomes: Vec<Vec<u32>> = all.iter().map(|of| of.genome.clone()).collect();
    // The loss is the sum of the choices: the best genome is 0 0 0 0.
    let truth = |index: usize, _| genomes[index].iter().map(|x| f64::from(*x)).sum::<f64>();
    let canonical = genomes.clone();
    let plan = plan(&[(32, 4), (16, 8), (8, 16), (4, 32)], 1e9);
    let mut halving = Halving::among(all, &canonical, 7, plan, 3);
    while let Some((_, index)) = halving.position() {
        let loss = truth(index, 0) as f32;
        halving.complete(Some(Score { reward: 0.5, loss }));
    }
    let chosen = halving.comparison().unwrap().chosen;
    assert_eq!(chosen, Some(Predictor::RegressionWithoutSharedLoss));
    let newcomers = &halving.rungs[1];
    let mean =
        |of: &[usize]| of.iter().map(|index| truth(*index, 0)).sum::<f64>() / of.len() as f64;
    let fresh: Vec<usize> = newcomers
        .iter()
        .copied()
        .filter(|index| !halving.rungs[0].contains(index))
        .collect();
    // The mean over all is 5.6.
    assert!(mean(&fresh) < 3.0, "{}", mean(&fresh));
}

#[test]
fn a_longer_training_outranks_a_prediction_and_a_shorter_one() {
    let losses = losses();
    // Longer trainings reverse the order: what survives by chance ends as the worst.
    let truth = |index: usize, epochs: u32| match epochs {
        16 => 5.0 - losses[index],
        _ => losses[index],
    };
    let (selection, rungs) = run(candidates(&|index| losses[index]), &truth);
    let last: Vec<&ShortTraining> = selection
        .trainings
        .iter()
        .filter(|training| training.rung == 2)
        .collect();
    assert_eq!(last.len(), 4);
    assert!(
        last.iter()
            .all(|training| training.epochs == 16 && training.seed == 5)
    );
    let best = last.iter().map(|of| of.loss()).fold(9.0, f64::min);
    assert_eq!((selection.top.len(), selection.top[0].loss()), (2, best));
    assert!(selection.top.iter().all(|of| of.rung == 2));
    assert!(rungs[2].iter().all(|index| rungs[1].contains(index)));
}

#[test]
fn networks_that_diverge_are_last_and_end_nothing() {
    let all = candidates(&|index| index as f64);
    let canonical: Vec<Vec<u32>> = all.iter().map(|of| of.genome.clone()).collect();
    let new = || Halving::among(all.clone(), &canonical, 0, plan(&[(8, 2), (4, 4)], 1e9), 0);
    let mut halving = new();
    while halving.next().is_some() {
        halving.complete(None);
    }
    let selection = halving.result();
    assert_eq!((selection.trainings.len(), selection.top.len()), (12, 0));
    let comparison = selection.predictors.unwrap();
    assert_eq!((comparison.networks, comparison.chosen), (0, None));
    // All but one: it survives, and what is left of the top comes from it.
    let mut halving = new();
    while halving.next().is_some() {
        let first = halving.trainings().is_empty();
        halving.complete(first.then_some(Score {
            reward: 0.5,
            loss: 1.0,
        }));
    }
    assert_eq!(halving.rungs[1][0], halving.rungs[0][0]);
    let selection = halving.result();
    assert_eq!((selection.top.len(), selection.top[0].rung), (1, 0));
}

#[test]
fn large_networks_cost_more_and_fewer_are_trained() {
    let mut all = candidates(&|index| index as f64);
    for (index, candidate) in all.iter_mut().enumerate() {
        // The best are ten times as large.
        candidate.macs = if index < 20 { 1000 } else { 100 };
    }
    let canonical: Vec<Vec<u32>> = all.iter().map(|of| of.genome.clone()).collect();
    let rungs = |budget: f64| {
        let plan = plan(&[(16, 2), (8, 4), (4, 8)], budget);
        let mut halving = Halving::among(all.clone(), &canonical, 0, plan, 0);
        while let Some((_, index)) = halving.position() {
            let loss = index as f32;
            halving.complete(Some(Score { reward: 0.5, loss }));
        }
        let lengths: Vec<usize> = halving.rungs.iter().map(Vec::len).collect();
        (lengths, halving.spent)
    };
    assert_eq!(rungs(1e9).0, [16, 8, 4]);
    let (lengths, spent) = rungs(40_000.0);
    assert_eq!(lengths[0], 16);
    assert!(
        lengths[1] < 8 && lengths[1] >= 2 && lengths[2] >= 2,
        "{lengths:?}"
    );
    assert!(spent <= 48_000.0, "{lengths:?} {spent}");
    // However little is left, two are trained.
    assert_eq!(rungs(0.0).0, [16, 2, 2]);
}

#[test]
fn replayed_results_give_the_same_next_training() {
    let losses = losses();
    let all = candidates(&|index| losses[index]);
    let canonical: Vec<Vec<u32>> = all.iter().map(|of| of.genome.clone()).collect();
    let new = || Halving::among(all.clone(), &canonical, 3, plan(&[(8, 2), (4, 4)], 9e3), 1);
    let mut whole = new();
    while let Some((_, index)) = whole.position() {
        let mut again = new();
        for training in whole.trainings() {
            again.complete(training.alone);
        }
        assert_eq!(again.position(), whole.position());
        assert_eq!(again.comparison(), whole.comparison());
        let loss = losses[index] as f32;
        whole.complete(Some(Score { reward: 0.5, loss }));
    }
    assert_eq!(whole.rungs.len(), 2);
}

#[test]
fn without_shared_weights_nothing_is_predicted_and_the_better_half_goes_on() {
    let losses = losses();
    let mut all = candidates(&|_| f64::from(f32::MAX));
    all.truncate(16);
    let (selection, rungs) = run(all, &|index, _| losses[index]);
    assert_eq!(rungs.iter().map(Vec::len).collect::<Vec<_>>(), [16, 8, 4]);
    for (rung, next) in rungs.iter().zip(&rungs[1..]) {
        let mut ranked = rung.clone();
        ranked.sort_by(|a, b| losses[*a].total_cmp(&losses[*b]));
        assert_eq!(*next, ranked[..next.len()]);
    }
    let trainings = &selection.trainings;
    assert!(trainings.iter().all(|training| training.shared.is_none()));
    let line = serde_json::to_string(&trainings[0]).unwrap();
    assert!(!line.contains("shared"), "{line}");
    let comparison = selection.predictors.unwrap();
    let known: Vec<Predictor> = comparison
        .predictors
        .iter()
        .map(|of| of.predictor)
        .collect();
    // Their multiply-accumulates are all equal.
    assert_eq!(
        known,
        [
            Predictor::Parameters,
            Predictor::RegressionWithoutSharedLoss
        ]
    );
    assert_eq!((comparison.chosen, comparison.beyond_size), (None, None));
    assert!(
        comparison.verdict.starts_with(
            "no weights are shared; the number of parameters ranks 16 networks that were trained alone with τ = "
        ),
        "{}",
        comparison.verdict
    );
}
