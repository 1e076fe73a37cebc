//! Penalties on the outputs of a recurrent cell.

use super::*;

#[test]
fn penalties_on_what_a_cell_gives_have_gradients() {
    let enas = text(
        enas(
            &["space.nodes=3", "space.hidden=8", "space.drop_outputs=0.3"],
            65,
            5,
        ),
        65,
        8,
        Start::Alone,
    );
    // A head in one piece.
    let odd = text(odd(4, true), 11, 8, Start::Alone);
    for penalties in [
        Penalties {
            activation: 0.7,
            temporal: 0.0,
        },
        Penalties {
            activation: 0.7,
            temporal: 1.3,
        },
    ] {
        for genome in cells(&enas) {
            hold_penalties_against_finite_differences(&enas, &genome, penalties);
        }
        hold_penalties_against_finite_differences(&odd, &[], penalties);
    }
}

fn hold_penalties_against_finite_differences(setup: &Setup, genome: &[u32], penalties: Penalties) {
    // Every value has its own slot, so that the penalised values can be read afterwards.
    let child = setup.supergraph.child(genome).unwrap();
    let mut tape =
        lower::forward(setup.context(), &child, Purpose::Train { drop_path: false }).unwrap();
    assert!(penalties.append(&mut tape));
    differentiate::backward(&mut tape, 0.0);
    let hidden = tape.hidden.unwrap();
    let (calls, outputs, images, labels) = (tape.calls, tape.outputs, tape.inputs, tape.targets);
    let (slots, states, touched) = (Vec::new(), Vec::new(), Vec::new());
    let program = Program {
        calls,
        slots,
        batch: setup.batch,
        inputs: images,
        targets: labels,
        outputs,
        states,
        touched,
        shares: Vec::new(),
        mixture: MixtureLayout::default(),
    };
    let run = |interpreter: &mut Interpreter<'_>| {
        let loss = interpreter.run(&program);
        let square = |x: f64| x * x;
        let mean = |x: Vec<f64>| x.iter().sum::<f64>() / x.len() as f64;
        let read = interpreter
            .read(hidden.read)
            .into_iter()
            .map(square)
            .collect();
        let cell = interpreter.read(hidden.cell);
        let steps = cell[hidden.step as usize..]
            .iter()
            .zip(&cell)
            .map(|(a, b)| square(a - b))
            .collect();
        loss + f64::from(penalties.activation) * mean(read)
            + f64::from(penalties.temporal) * mean(steps)
    };
    let weights = setup.weights(1);
    let mut analytic = Interpreter::new(setup, &weights);
    run(&mut analytic);
    for (parameter, gradient) in &analytic.gradients {
        for at in (0..gradient.len()).step_by(gradient.len().div_ceil(3)) {
            let moved = |by: f64| {
                let mut moved = Interpreter::new(setup, &weights);
                moved.weights[*parameter as usize][at] += by;
                run(&mut moved)
            };
            let wanted = (moved(1e-6) - moved(-1e-6)) / 2e-6;
            let id = &setup.supergraph.param(*parameter).id;
            let got = gradient[at];
            assert!(
                (got - wanted).abs() <= 1e-6 * (1.0 + wanted.abs()),
                "{id}[{at}]: {got} {wanted}"
            );
        }
    }
}

#[test]
fn penalties_on_no_cell_are_refused() {
    let images = Setup::new(&["space.layers=1", "space.filters=2"], [4, 4, 1], 2);
    let genome = images.sample(&mut Random::new(6, RngStream::Test(0)));
    let penalties = Penalties {
        activation: 0.0,
        temporal: 1.0,
    };
    let child = images.supergraph.child_in_training(&genome).unwrap();
    let said = Program::training(images.context(), &child, &Optimizer { penalties, ..SGD })
        .unwrap_err()
        .to_string();
    assert!(
        said.starts_with("`enas-macro` has no recurrent cell") && said.ends_with("set both to 0"),
        "{said}"
    );
}
