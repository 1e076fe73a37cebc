//! Searches on every available GPU.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use supernet::data::Dataset;
use supernet::device::DeviceSpec;
use supernet::device::gpu::{Adapter, Gpu};
use supernet::device::{Device, DeviceError};
use supernet::tools::selftest;
use supernet::wgpu::{self, Buffer, BufferDescriptor, BufferUsages};
use supernet::{Config, Event, Experiment, Record, RunFolder, Search, SearchBuilder};
use supernet_tests::gpu::gpus;
use supernet_tests::{stopped_at, without_times};

/// A software driver is slow.
const SHORT: [&str; 8] = [
    "search.epochs=3",
    "search.warm_up=0.4",
    "score.updates=1",
    "score.rollouts=4",
    "derive.candidates=2",
    "derive.report=2",
    "space.layers=4",
    "space.filters=8",
];

fn short() -> Experiment {
    Experiment::new(Config::read("", &SHORT).expect("the settings are right"))
        .expect("the search fits the digits")
}

fn search(gpu: &mut Gpu) -> (Vec<Record>, supernet::SearchResult) {
    let mut records = Vec::new();
    let found = short()
        .run(gpu, None, &mut |record| records.push(record.clone()))
        .expect("the device works");
    (records, found)
}

#[test]
fn a_search_on_a_gpu_repeats_itself_bit_by_bit() {
    for adapter in gpus() {
        let (a, one) = search(&mut Gpu::new(&adapter).unwrap());
        let (b, two) = search(&mut Gpu::new(&adapter).unwrap());
        assert_eq!(without_times(&a), without_times(&b));
        assert_eq!((&one.weights, &one.top), (&two.weights, &two.top));
    }
}

#[test]
fn training_steps_agree_with_the_cpu_device() {
    for adapter in gpus() {
        let mut gpu = Gpu::new(&adapter).unwrap();
        let training = selftest::training(&mut gpu).unwrap();
        println!("{}: {training:?}", adapter.info.name);
        assert!(training.passed, "{training:?}");
    }
}

#[test]
fn a_gpu_that_is_lost_ends_the_search_with_its_name_and_leaves_the_run_folder_good() {
    for adapter in gpus() {
        let mut gpu = Gpu::new(&adapter).unwrap();
        let device = gpu.wgpu().clone();
        let path = std::env::temp_dir().join(format!(
            "supernet-lost-{}-{}",
            std::process::id(),
            adapter.info.kind as u8
        ));
        let experiment = short();
        let mut folder = RunFolder::create(&path, "").unwrap();
        let mut seen = 0;
        let ended = experiment.run(&mut gpu, Some(&mut folder), &mut |record| {
            seen += 1;
            if matches!(record.event, Event::Step { step: 20, .. }) {
                device.destroy();
            }
        });
        let said = ended.unwrap_err().to_string();
        assert!(
            said.contains(&format!("gpu:{} was lost", adapter.info.name)),
            "{said}"
        );
        let log = std::fs::read_to_string(path.join("events.jsonl")).unwrap();
        assert_eq!(log.lines().count(), seen);
        assert!(
            log.lines()
                .all(|line| serde_json::from_str::<Record>(line).is_ok())
        );
        // A repeated query gives the same answer.
        let again = short().run(&mut gpu, None, &mut |_| {});
        assert!(again.unwrap_err().to_string().contains("was lost"));
        std::fs::remove_dir_all(path).unwrap();
    }
}

#[test]
fn uploads_are_the_minibatch_a_bit_for_each_block_and_less_than_a_kilobyte() {
    for adapter in gpus() {
        let mut gpu = Gpu::new(&adapter).unwrap();
        let mut bench =
            supernet::tools::bench::Bench::new("enas-macro", &[], [8, 8, 3], 10, 16).unwrap();
        let timing = bench
            .time(&mut gpu, supernet::tools::bench::BenchPhase::Train, 3)
            .unwrap();
        let (minibatch, bits) = (4 * 16 * (8 * 8 * 3 + 1), timing.params.div_ceil(8 * 64));
        let rest = timing.uploaded - f64::from(minibatch);
        // Every parameter begins at a new block, so there are a few more blocks than the number of
        // parameters divided by 64.
        assert!(
            rest > 0.0 && rest < 1000.0 + 2.0 * bits as f64,
            "{timing:?}"
        );
        assert_eq!(timing.submits, 1.0);
    }
}

#[test]
fn a_search_that_cannot_fit_says_which_batch_would() {
    for adapter in gpus() {
        // A device with the lowest permitted limits, as an application may provide.
        let (device, queue) = open(&adapter, wgpu::Limits::defaults());
        let mut gpu = Gpu::borrowed(device, queue).unwrap();
        let samples = 6 * 2048;
        let data = Dataset::new(
            "large",
            [32, 32, 1],
            2,
            vec![0.5; samples * 1024],
            vec![0; samples],
        )
        .unwrap();
        let settings = [
            "train.batch=2048",
            "score.batch=2048",
            "space.filters=36",
            "space.layers=3",
        ];
        let experiment = Experiment::on(data, Config::read("", &settings).unwrap()).unwrap();
        let mut events = 0;
        let said = experiment
            .run(&mut gpu, None, &mut |_| events += 1)
            .unwrap_err()
            .to_string();
        assert!(
            said.contains("which has 128 MiB for it")
                && said.contains("score.batch` of at most 910"),
            "{said}"
        );
        assert_eq!(events, 0);
    }
}

fn open(adapter: &Adapter, required_limits: wgpu::Limits) -> (wgpu::Device, wgpu::Queue) {
    let descriptor = wgpu::DeviceDescriptor {
        required_limits,
        ..wgpu::DeviceDescriptor::default()
    };
    pollster::block_on(adapter.inner().request_device(&descriptor))
        .expect("the adapter gives a device")
}

/// A buffer of numbers that the application keeps on its device.
fn buffer(device: &wgpu::Device, queue: &wgpu::Queue) -> Buffer {
    let usage = BufferUsages::COPY_DST | BufferUsages::MAP_READ;
    let buffer = device.create_buffer(&BufferDescriptor {
        label: None,
        size: 16,
        usage,
        mapped_at_creation: false,
    });
    queue.write_buffer(&buffer, 0, &[7; 16]);
    buffer
}

fn is_intact(device: &wgpu::Device, buffer: &Buffer) -> bool {
    buffer.map_async(wgpu::MapMode::Read, .., |_| {});
    let waited = device.poll(wgpu::PollType::wait_indefinitely());
    let intact = waited.is_ok()
        && buffer
            .get_mapped_range(..)
            .is_ok_and(|view| view[..] == [7; 16]);
    buffer.unmap();
    intact
}

#[test]
fn the_applications_own_device_stays_its_own() {
    for adapter in gpus() {
        let (device, queue) = open(&adapter, wgpu::Limits::defaults());
        let errors = Arc::new(AtomicU32::new(0));
        let heard = Arc::clone(&errors);
        device.on_uncaptured_error(Arc::new(move |_| {
            heard.fetch_add(1, Ordering::Relaxed);
        }));
        let lost = Arc::new(AtomicU32::new(0));
        let heard = Arc::clone(&lost);
        device.set_device_lost_callback(move |_, _| {
            heard.fetch_add(1, Ordering::Relaxed);
        });
        let kept = buffer(&device, &queue);
        assert!(is_intact(&device, &kept));
        let mut gpu = Gpu::borrowed(device.clone(), queue.clone()).unwrap();
        let mut during = true;
        Experiment::new(Config::read("", &SHORT).unwrap())
            .unwrap()
            .run(&mut gpu, None, &mut |record| {
                if matches!(record.event, Event::Epoch { .. }) {
                    during &= is_intact(&device, &kept);
                }
            })
            .unwrap();
        drop(gpu);
        assert!(during && is_intact(&device, &kept));
        assert_eq!(
            (errors.load(Ordering::Relaxed), lost.load(Ordering::Relaxed)),
            (0, 0)
        );
        // Both handlers still belong to the application.
        let size = device.limits().max_buffer_size + 4;
        let usage = BufferUsages::STORAGE;
        let _ = device.create_buffer(&BufferDescriptor {
            label: None,
            size,
            usage,
            mapped_at_creation: false,
        });
        assert_eq!(errors.load(Ordering::Relaxed), 1);
        device.destroy();
        device.poll(wgpu::PollType::Poll).unwrap();
        assert_eq!(lost.load(Ordering::Relaxed), 1);
    }
}

#[test]
fn an_applications_device_without_the_needed_limits_is_refused_by_what_it_lacks() {
    for adapter in gpus() {
        let limits = wgpu::Limits {
            max_storage_buffers_per_shader_stage: 4,
            ..wgpu::Limits::defaults()
        };
        let (device, queue) = open(&adapter, limits);
        let said = Gpu::borrowed(device, queue).unwrap_err().to_string();
        assert!(
            said.contains("lacks what the kernels need: max_storage_buffers_per_shader_stage of 8"),
            "{said}"
        );
    }
}

#[test]
fn a_search_after_one_that_diverged_on_the_same_device_is_as_any_other() {
    for adapter in gpus() {
        let mut gpu = Gpu::new(&adapter).unwrap();
        let settings = [
            &SHORT[..],
            &["optimizer.learning_rate=1e30", "optimizer.clip=1e30"],
        ]
        .concat();
        let diverging = Experiment::new(Config::read("", &settings).unwrap()).unwrap();
        let said = diverging
            .run(&mut gpu, None, &mut |_| {})
            .unwrap_err()
            .to_string();
        assert!(said.contains("training diverged"), "{said}");
        let (_, found) = search(&mut gpu);
        let (_, fresh) = search(&mut Gpu::new(&adapter).unwrap());
        assert_eq!((found.top, found.weights), (fresh.top, fresh.weights));
    }
}

#[test]
fn a_lost_search_is_resumed_on_another_device() {
    for adapter in gpus() {
        let path = std::env::temp_dir().join(format!(
            "supernet-on-{}-{}",
            std::process::id(),
            adapter.info.lanes[1]
        ));
        let settings = [&SHORT[..], &["checkpoint.steps=10"]].concat();
        let config = || Config::read("", &settings).expect("the settings are right");
        let handle = Arc::new(Mutex::new(None));
        let (made, chosen) = (Arc::clone(&handle), adapter.clone());
        // The GPU is lost and does not come back.
        let once = move || {
            let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
            if made.is_some() {
                return Err(DeviceError::NoGpu {
                    driver: "it was pulled out",
                });
            }
            let gpu = Gpu::new(&chosen)?;
            *made = Some(gpu.wgpu().clone());
            Ok(Box::new(gpu) as Box<dyn Device>)
        };
        let listen = move |record: &Record| {
            if matches!(record.event, Event::Step { step: 30, .. })
                && let Some(device) = &*handle.lock().unwrap_or_else(PoisonError::into_inner)
            {
                device.destroy();
            }
        };
        let run = Search::builder()
            .config(config())
            .folder(&path)
            .device(once)
            .listen(listen)
            .start()
            .unwrap();
        let said = run.wait().unwrap_err().to_string();
        assert!(said.contains("its trainer failed"), "{said}");
        let ended = Search::builder()
            .resume(&path)
            .on(DeviceSpec::Cpu)
            .start()
            .unwrap()
            .wait();
        assert!(ended.unwrap().result().is_some());
        assert!(path.join("best/genome.json").exists());
        std::fs::remove_dir_all(path).unwrap();
    }
}

#[test]
fn a_search_that_is_stopped_and_resumed_on_its_gpu_is_as_one_that_never_was() {
    for adapter in gpus() {
        let path = |name: &str| {
            std::env::temp_dir().join(format!(
                "supernet-{name}-{}-{}",
                std::process::id(),
                adapter.info.lanes[1]
            ))
        };
        let (whole, parts) = (path("whole"), path("parts"));
        let on = |builder: SearchBuilder| {
            let chosen = adapter.clone();
            builder.device(move || Ok(Box::new(Gpu::new(&chosen)?) as Box<dyn Device>))
        };
        let fresh =
            || Search::builder().config(Config::read("", &SHORT).expect("the settings are right"));
        let one = on(fresh().folder(&whole))
            .start()
            .unwrap()
            .wait()
            .unwrap()
            .result()
            .unwrap();
        // With eight steps in flight.
        let run = stopped_at(on(fresh().folder(&parts)), |event| {
            matches!(event, Event::Step { step: 20, .. })
        });
        assert!(run.wait().unwrap().result().is_none());
        let two = on(Search::builder().resume(&parts))
            .start()
            .unwrap()
            .wait()
            .unwrap()
            .result()
            .unwrap();
        assert_eq!(
            (&one.top, one.weights.pages().values.as_slice()),
            (&two.top, two.weights.pages().values.as_slice())
        );
        let log = |path: &Path| -> Vec<Event> {
            let text = std::fs::read_to_string(path.join("events.jsonl")).expect("there is a log");
            text.lines()
                .map(|line| {
                    serde_json::from_str::<Record>(line)
                        .expect("a line is a record")
                        .event
                })
                .collect()
        };
        assert_eq!(log(&whole), log(&parts));
        for path in [whole, parts] {
            std::fs::remove_dir_all(path).unwrap();
        }
    }
}
