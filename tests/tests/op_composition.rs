//! The operations in the genomes of a benchmark's space.

use supernet::data::Dataset;
use supernet::plugin::Kind;
use supernet::search::OpComposition;
use supernet::space::Spaces;
use supernet::{Config, Experiment};
use {supernet_enas as _, supernet_nasbench as _};

#[test]
fn none_skip_and_pooling_of_nas_bench_201_are_parameter_free() {
    let mut config = Config::read("", &["search.space=nasbench201"]).unwrap();
    let facts = Dataset::named("digits").unwrap().facts();
    let space = Spaces::linked()
        .build(&mut config, &facts)
        .unwrap()
        .supergraph;
    let Kind::Op { choices } = space.space().decisions[0].kind.clone() else {
        panic!("an edge has an op")
    };
    let expected: Vec<bool> = choices
        .iter()
        .map(|name| !name.starts_with("nor_conv"))
        .collect();
    assert_eq!(expected.iter().filter(|free| **free).count(), 3);
    let composition = OpComposition::new(&space);
    assert_eq!(composition.ops().len(), 6);
    assert!(
        composition.ops().iter().all(|(_, free)| *free == expected),
        "{choices:?} {:?}",
        composition.ops()
    );
    let chosen = |name: &str| choices.iter().position(|choice| choice == name).unwrap() as u32;
    let (skip, conv) = (chosen("skip_connect"), chosen("nor_conv_3x3"));
    let shares = composition.of(&[vec![skip; 6], vec![conv, conv, conv, conv, conv, skip]]);
    assert_eq!(
        (shares.parameter_free, shares.skips_on),
        (Some(7.0 / 12.0), None)
    );
    assert!((composition.usual().unwrap().parameter_free.unwrap() - 0.6).abs() < 0.05);
}

#[test]
fn published_settings_make_a_search_of_other_data() {
    let config = |name| {
        Config::read(
            &Config::commented(name).unwrap(),
            &["search.dataset=digits"],
        )
        .unwrap()
    };
    let cells = Experiment::new(config("enas-micro-cifar10")).unwrap();
    assert_eq!(
        (cells.schedule().updates, cells.schedule().rollouts),
        (30, 10)
    );
    let experiment = Experiment::new(config("enas-macro-cifar10")).unwrap();
    let schedule = experiment.schedule();
    assert_eq!(
        (
            schedule.epochs,
            schedule.warm_up,
            schedule.updates,
            schedule.rollouts
        ),
        (310, 0, 50, 20)
    );
}
