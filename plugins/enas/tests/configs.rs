//! Configs that are rejected.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use supernet_enas::{Macro, Recurrent, enas_macro, enas_micro, enas_micro_final, enas_recurrent};
use supernet_plugin::{Setting, Supergraph};

use support::micro;

#[test]
fn a_config_that_cannot_work_gets_a_sentence() {
    let configure = |name: &str,
                     settings: &[(&str, Setting)],
                     facts: supernet_plugin::Facts|
     -> Result<(), String> {
        let entry = supernet_plugin::find(name).map_err(|error| error.to_string())?;
        let given = settings
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect();
        let config = entry
            .configure(&given, &facts)
            .map_err(|error| error.to_string())?;
        let space = entry.space(&config).map_err(|error| error.to_string())?;
        assert_eq!(&space.config, config.values());
        Supergraph::new(space)
            .map(|_| ())
            .map_err(|problems| problems[0].to_string())
    };
    let images = || supernet_plugin::Facts::images(&[8, 8, 1], 10);
    let text = || supernet_plugin::Facts::text(65);
    let sentence =
        |name, settings: &[(&str, Setting)], facts| configure(name, settings, facts).unwrap_err();

    for layers in 1..=12 {
        configure("enas-macro", &[("layers", Setting::Int(layers))], images()).unwrap();
        configure(
            "enas-micro",
            &[
                ("layers", Setting::Int(layers)),
                ("filters", Setting::Int(2)),
            ],
            images(),
        )
        .unwrap();
        configure("enas-recurrent", &[("nodes", Setting::Int(layers))], text()).unwrap();
    }
    configure("enas-macro", &[("skip_target", Setting::Int(1))], images()).unwrap_err();
    assert_eq!(
        sentence("enas-macro", &[("layers", Setting::Int(0))], images()),
        "space `enas-macro`: `layers` is 0, and must be between 1 and 64."
    );
    assert_eq!(
        sentence("enas-macro", &[("filters", Setting::Int(17))], images()),
        "space `enas-macro`: `filters` is 17, and must be a multiple of 2."
    );
    assert_eq!(
        sentence("enas-macro", &[("fitlers", Setting::Int(16))], images()),
        "space `enas-macro` has no setting `fitlers`; the nearest is `filters`. \
         Its settings are: layers, filters, skip_target, form, image, classes."
    );
    assert_eq!(
        sentence(
            "enas-macro",
            &[],
            supernet_plugin::Facts::images(&[3, 8, 1], 10)
        ),
        "images of 3 x 8 are too small: the network halves them 2 times, so both sides need at least 4."
    );
    assert_eq!(
        sentence(
            "enas-micro",
            &[],
            supernet_plugin::Facts::images(&[8, 8], 10)
        ),
        "the samples have the shape [8, 8], and must be images [height, width, channels]."
    );
    assert_eq!(
        sentence("enas-recurrent", &[], images()),
        "space `enas-recurrent` needs a data set with a vocabulary, as texts have it, for its setting `vocabulary`, and this one \
         has none: choose other data, or a space that takes these (`supernet spaces` lists them)."
    );
    assert_eq!(
        sentence("enas-marco", &[], images()),
        "there is no search space `enas-marco`; the nearest is `enas-macro`. \
         There are: enas-macro, enas-micro, enas-recurrent, lstm."
    );
    // Called from code, without the checks of the registry.
    let odd = Macro {
        layers: 6,
        filters: 17,
        skip_target: 0.4,
        image: vec![8, 8, 1],
        classes: 10,
    };
    assert_eq!(
        enas_macro(&odd).unwrap_err().to_string(),
        "in scope `layer1/reduce`: a factorised reduction to 17 filters: it makes two halves, so the number must be even."
    );
    enas_macro(&Macro {
        layers: 0,
        ..odd.clone()
    })
    .unwrap_err();
    enas_macro(&Macro { filters: 0, ..odd }).unwrap_err();
    for build in [enas_micro, enas_micro_final] {
        build(&micro(6, u32::MAX)).unwrap_err();
        build(&micro(6, u32::MAX - 1)).unwrap_err();
    }
    enas_recurrent(&Recurrent {
        nodes: 0,
        hidden: 1,
        vocabulary: 1,
        ..Recurrent::default()
    })
    .unwrap_err();
    enas_recurrent(&Recurrent {
        nodes: 2,
        hidden: u32::MAX,
        vocabulary: 1,
        ..Recurrent::default()
    })
    .unwrap_err();
}
