//! Saving and loading of models, and damaged files.

use super::*;

#[test]
fn a_model_that_is_saved_and_loaded_gives_the_same_bits() {
    let (model, images) = model();
    let names: Vec<String> = (0..10).map(|class| format!("the {class}")).collect();
    let model = model.with_names(names).unwrap();
    let place = place("bits");
    model.save(&place).unwrap();
    let wanted = model.predict(&images).unwrap();
    for path in [
        place.clone(),
        place.join("model.json"),
        place.join("model.safetensors"),
    ] {
        let loaded = Model::load(&path).unwrap();
        assert_eq!(bits(&loaded.predict(&images).unwrap()), bits(&wanted));
        assert_eq!(loaded.about, model.about);
        assert_eq!(loaded.class(3), "the 3");
        assert_eq!(
            (loaded.parameters(), loaded.macs()),
            (model.parameters(), model.macs())
        );
    }
    // Only the child's parameters: not those of the whole space, nor gradients.
    let own: usize = model
        .tensors()
        .filter(|(name, ..)| !name.ends_with("/statistics"))
        .map(|(.., x)| x.len())
        .sum();
    assert_eq!(own as u64, model.parameters());
    assert!((own as u64) < model.supergraph().total_params());
    let said = model.save(&place).unwrap_err().to_string();
    assert!(
        said.contains("exists already, and is not overwritten"),
        "{said}"
    );
    assert_eq!(
        fs::read_dir(place.parent().unwrap())
            .unwrap()
            .flatten()
            .filter(|entry| {
                let name = entry.file_name().to_string_lossy().into_owned();
                name.starts_with(&*place.file_name().unwrap().to_string_lossy())
                    && name.ends_with(".part")
            })
            .count(),
        0
    );
    fs::remove_dir_all(place).unwrap();
}

/// Random mutations of a file: bytes changed, truncated, duplicated, or replaced entirely.
fn mutated(file: &[u8], random: &mut Random) -> Vec<u8> {
    let mut file = file.to_vec();
    if random.below(8) == 0 {
        return (0..random.below(200))
            .map(|_| random.below(256) as u8)
            .collect();
    }
    for _ in 0..=random.below(4) {
        let at = random.below(file.len().max(1) as u32) as usize;
        match random.below(5) {
            0 => file.truncate(at),
            1 => file.insert(at, random.below(256) as u8),
            2 if at < file.len() => file[at] = random.below(256) as u8,
            3 if at < file.len() => {
                file[at] = *b"0123456789-.e\"[]{},nul"
                    .get(random.below(22) as usize)
                    .unwrap()
            }
            _ => {
                let piece = file[at..file.len().min(at + random.below(40) as usize)].to_vec();
                let to = random.below(file.len().max(1) as u32) as usize;
                file.splice(to..to, piece);
            }
        }
    }
    file
}

#[test]
fn damaged_files_give_sentences() {
    let data = data([4, 3, 2], 60);
    let s = Space::new("small");
    let x = s.input("image", &data.shape()).conv(3, 2).norm();
    s.output(x.relu().global_avg_pool().linear(10, true));
    let task = task(Supergraph::new(s.finish().unwrap()).unwrap(), &data);
    let model = frozen(&task, &[], 50);
    let place = place("damaged");
    model.save(&place).unwrap();
    let [what, numbers] =
        ["model.json", "model.safetensors"].map(|name| fs::read(place.join(name)).unwrap());
    let mut random = Random::new(17, RngStream::Test(0));
    let (mut refused, mut loaded) = (0, 0);
    let mut cpu = Cpu::new(1).unwrap();
    for _ in 0..20_000 {
        let mut at_hand = |_: &FrozenGraph| Ok(numbers.clone());
        match Model::read(
            [&place, &place],
            &mutated(&what, &mut random),
            &Spaces::linked(),
            &mut at_hand,
        ) {
            Ok(model) => {
                loaded += 1;
                let pixels = vec![1.0; model.about.pixels()];
                let _ = model.predict_on(&mut cpu, &pixels);
            }
            Err(error) => {
                refused += 1;
                assert!(!error.to_string().is_empty());
            }
        }
        let numbers = mutated(&numbers, &mut random);
        let weights = tensors::read(&model.network, &numbers);
        assert!(weights.is_err() || numbers.len() as u64 >= model.parameters());
        assert!(weights.is_ok() || weights.is_err_and(|reason| !reason.is_empty()));
    }
    // Some mutations affect names or informative numbers only.
    assert!(
        refused > 15_000 && loaded > 100,
        "{refused} refused, {loaded} loaded"
    );
    fs::write(
        place.join("model.safetensors"),
        [&numbers[..numbers.len() - 1], &[0x55]].concat(),
    )
    .unwrap();
    let said = Model::load(&place).unwrap_err().to_string();
    assert!(said.contains("its hash is not the one"), "{said}");
    let later = String::from_utf8(what)
        .unwrap()
        .replacen("\"format\": 2", "\"format\": 3", 1);
    fs::write(place.join("model.json"), later).unwrap();
    let said = Model::load(&place).unwrap_err().to_string();
    assert!(
        said.contains("has the format 3, and this version reads formats up to 2"),
        "{said}"
    );
    fs::remove_dir_all(place).unwrap();
}
