//! Fuzzing of text: any bytes give a text or an error, and every token number lies in the
//! vocabulary.

use std::path::PathBuf;

use super::source::{self, File, Source};
use super::{Text, TextSettings, Unit};
use crate::SplitSpec;
use crate::error::Flaw;
use crate::read::fuzz::fuzz;

fn sound() -> [Vec<u8>; 3] {
    [
        b" no it was n't black monday \n but while the <unk> did n't fall apart friday\n".to_vec(),
        "\u{feff}Zwölf Boxkämpfer jagen Viktor quer über den Sylter Deich.\r\n"
            .repeat(3)
            .into_bytes(),
        b"abab\n\n\n = Title = \n 1 @,@ 000 \n\0\x1f ab ab ab ab ab".to_vec(),
    ]
}

fn file(bytes: &[u8]) -> Result<File, Flaw> {
    Ok(File {
        path: PathBuf::from("file"),
        text: source::text(bytes.to_vec())?,
    })
}

fn check(source: &Source, settings: &TextSettings, split: &SplitSpec) -> Result<(), Flaw> {
    let text = Text::of(source, settings, split).map_err(|error| Flaw::new(error.to_string()))?;
    let words = text.vocabulary.len();
    assert!(words >= 2 && (settings.limit == 0 || words <= settings.limit));
    for part in [&text.train, &text.validation, &text.test] {
        assert!(part.len() >= 2 && part.iter().all(|number| *number < words));
    }
    Ok(())
}

#[test]
fn text_from_strangers() {
    let split = SplitSpec {
        train: 0.5,
        validation: 0.25,
        seed: 0,
    };
    for (stream, unit) in [(8, Unit::Character), (9, Unit::Word)] {
        for limit in [0, 2, 5] {
            let settings = TextSettings { unit, limit };
            fuzz(stream, &sound(), |bytes| {
                check(&Source::One(file(bytes)?), &settings, &split)
            });
        }
    }
}

#[test]
fn validation_and_test_text_from_strangers() {
    let whole = SplitSpec {
        train: 0.0,
        validation: 0.0,
        seed: 0,
    };
    let settings = TextSettings {
        unit: Unit::Word,
        limit: 4,
    };
    for (stream, place) in [(10, 0), (11, 1), (12, 2)] {
        fuzz(stream, &sound(), |bytes| {
            let mut files = [&sound()[0][..]; 3].map(<[u8]>::to_vec);
            files[place] = bytes.to_vec();
            let [train, validation, test] = files;
            check(
                &Source::Three([file(&train)?, file(&validation)?, file(&test)?]),
                &settings,
                &whole,
            )
        });
    }
}
