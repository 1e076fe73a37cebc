//! A custom wgpu device: the search shares it with everything else that the application runs on it.

use std::error::Error;

use supernet::device::gpu::Gpu;
use supernet::wgpu::{Instance, InstanceDescriptor, RequestAdapterOptions};
use supernet::{Config, Search};
use supernet_enas as _;

fn main() -> Result<(), Box<dyn Error>> {
    let instance = Instance::new(InstanceDescriptor::new_without_display_handle());
    let Ok(adapter) =
        pollster::block_on(instance.request_adapter(&RequestAdapterOptions::default()))
    else {
        return Ok(()); // no GPU here
    };
    let (device, queue) = pollster::block_on(adapter.request_device(&Default::default()))?;
    // The application's handlers stay in place. After a failure, the search requests the device
    // again.
    let (of_search, queue_of_search) = (device.clone(), queue.clone());
    let make =
        move || Ok(Box::new(Gpu::borrowed(of_search.clone(), queue_of_search.clone())?) as _);
    let settings = [
        "search.epochs=1",
        "space.layers=2",
        "space.filters=4",
        "derive.candidates=2",
        "derive.report=2",
    ];
    let run = Search::builder()
        .config(Config::read("", &settings)?)
        .device(make)
        .start()?;
    let found = run.wait()?.result().ok_or("nobody stopped it")?;
    assert!(found.top[0].score.loss.is_finite());
    queue.submit([device.create_command_encoder(&Default::default()).finish()]);
    Ok(())
}
