//! `supernet predict`.

use std::io::Write;

use serde_json::json;
use supernet::Model;
use supernet::model::ModelError;
use supernet::model::Prediction;

use crate::Failure;
use crate::arguments::PredictOptions;

/// Number of classes shown per picture.
const SHOWN: usize = 3;

pub(crate) fn run(options: &PredictOptions) -> Result<(), Failure> {
    let (model, mut device) = options.on.model(&options.model)?;
    let pictures = options
        .images
        .iter()
        .map(|path| model.picture(path, options.resize));
    let pictures: Vec<f32> = pictures.collect::<Result<Vec<_>, ModelError>>()?.concat();
    let predictions = model.predict_on(&mut *device, &pictures)?;
    let said = || {
        options
            .images
            .iter()
            .map(|path| path.display().to_string())
            .zip(&predictions)
    };
    let mut out = std::io::stdout().lock();
    if options.json {
        let all: Vec<_> = said()
            .map(|(image, prediction)| as_json(&model, &image, prediction))
            .collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
        return Ok(());
    }
    for (image, prediction) in said() {
        let shown = prediction.top(SHOWN).into_iter();
        let shown = shown.map(|(class, probability)| {
            format!("{} {:.1} %", model.class(class), 100.0 * probability)
        });
        writeln!(out, "{image}: {}", shown.collect::<Vec<_>>().join(", "))?;
    }
    Ok(())
}

fn as_json(model: &Model, image: &str, prediction: &Prediction) -> serde_json::Value {
    let Prediction {
        class,
        probabilities,
        logits,
        ..
    } = prediction;
    let name = model.names().and_then(|names| names.get(*class as usize));
    json!({ "image": image, "class": class, "name": name, "probabilities": probabilities, "logits": logits })
}
