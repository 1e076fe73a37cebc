//! The connection to a GPU: a wgpu device with its queue, whether the device is lost, and its
//! errors.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use supernet_shaders::kernel::{MOST_GROUPS, SLOT};
use wgpu::{
    BufferAsyncError, Device, DeviceDescriptor, Error, ErrorFilter, Features, Limits, PollError,
    PollType, Queue, SubmissionIndex,
};

use super::DeviceError;
use super::adapter::{Adapter, AdapterInfo};

/// Timeout of a single run in seconds.
const PATIENCE: u64 = 600;

/// A wgpu device with its queue.
#[derive(Debug)]
pub(super) struct GpuContext {
    pub(super) device: Device,
    pub(super) queue: Queue,
    pub(super) info: AdapterInfo,
    pub(super) limits: Limits,
    pub(super) name: Arc<str>,
    /// Why the device is lost, once that is known.
    lost: Arc<Mutex<Option<String>>>,
}

impl GpuContext {
    /// Opens a new device on `adapter`.
    pub(super) fn open(adapter: &Adapter) -> Result<Self, DeviceError> {
        let name: Arc<str> = format!("gpu:{}", adapter.info.name).into();
        let offered = adapter.inner().limits();
        missing_limits(&name, &offered)?;
        // Limits that only rendering needs stay at the minimum.
        let required_limits = Limits {
            max_storage_buffers_per_shader_stage: 8,
            max_storage_buffer_binding_size: offered.max_storage_buffer_binding_size,
            max_buffer_size: offered.max_buffer_size,
            max_compute_workgroup_storage_size: 16 << 10,
            max_compute_invocations_per_workgroup: 256,
            max_compute_workgroup_size_x: 256,
            max_compute_workgroup_size_y: 256,
            max_compute_workgroups_per_dimension: MOST_GROUPS,
            ..Limits::downlevel_defaults()
        };
        let descriptor = DeviceDescriptor {
            label: Some("supernet"),
            required_features: adapter.inner().features() & Features::SUBGROUP,
            required_limits,
            ..DeviceDescriptor::default()
        };
        let (device, queue) = pollster::block_on(adapter.inner().request_device(&descriptor))
            .map_err(|error| DeviceError::Gpu {
                device: name.to_string(),
                what: error.to_string(),
            })?;
        let lost = Arc::new(Mutex::new(None));
        let note = Arc::clone(&lost);
        device.set_device_lost_callback(move |reason, message| {
            *note.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(format!("{reason:?} {message}").trim().to_owned());
        });
        // Errors outside an error scope, such as those of a lost device, must not abort the
        // application.
        let note = Arc::clone(&lost);
        device.on_uncaptured_error(Arc::new(move |error: Error| {
            note.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get_or_insert_with(|| error.to_string());
        }));
        let limits = device.limits();
        Ok(Self {
            device,
            queue,
            info: adapter.info.clone(),
            limits,
            name,
            lost,
        })
    }

    /// Uses the application's device. Its callback slots belong to the application, so no callback
    /// is set.
    pub(super) fn borrowed(device: Device, queue: Queue) -> Result<Self, DeviceError> {
        let limits = device.limits();
        let info = AdapterInfo::of(&device.adapter_info(), &limits, device.features());
        let name: Arc<str> = format!("gpu:{}", info.name).into();
        missing_limits(&name, &limits)?;
        Ok(Self {
            device,
            queue,
            info,
            limits,
            name,
            lost: Arc::default(),
        })
    }

    /// Does some work on the device and returns its result, or the error that the device reports.
    pub(super) fn guard<T>(
        &self,
        work: impl FnOnce() -> Result<T, DeviceError>,
    ) -> Result<T, DeviceError> {
        self.check_scopes(scoped(&self.device, work))
    }

    /// The result of work that ran in [`scoped`].
    pub(super) fn check_scopes<T>(
        &self,
        (done, said): (Result<T, DeviceError>, Option<Error>),
    ) -> Result<T, DeviceError> {
        self.alive()?;
        match said {
            Some(Error::OutOfMemory { .. }) => Err(DeviceError::OutOfMemory {
                device: self.name.to_string(),
            }),
            Some(error) => Err(DeviceError::Gpu {
                device: self.name.to_string(),
                what: error.to_string(),
            }),
            None => done,
        }
    }

    /// Fails if the device is lost.
    pub(super) fn alive(&self) -> Result<(), DeviceError> {
        let lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        lost.as_ref()
            .map_or(Ok(()), |reason| Err(self.gone(reason)))
    }

    /// The error for a lost device.
    pub(super) fn gone(&self, reason: &str) -> DeviceError {
        DeviceError::Lost {
            device: self.name.to_string(),
            reason: reason.to_owned(),
        }
    }

    /// Waits until `submission` is done.
    pub(super) fn wait(&self, submission: &SubmissionIndex) -> Result<(), DeviceError> {
        for _ in 0..PATIENCE {
            let timeout = Some(Duration::from_secs(1));
            match self.device.poll(PollType::Wait {
                submission_index: Some(submission.clone()),
                timeout,
            }) {
                Ok(_) => return self.alive(),
                Err(PollError::Timeout) => self.alive()?,
                Err(error) => {
                    self.alive()?;
                    return Err(DeviceError::Gpu {
                        device: self.name.to_string(),
                        what: error.to_string(),
                    });
                }
            }
        }
        Err(self.lose(format!("a run did not end in {PATIENCE} seconds")))
    }

    /// Waits until `submission` is done and its results can be read.
    pub(super) fn wait_for(
        &self,
        submission: &SubmissionIndex,
        mapped: &Receiver<Result<(), BufferAsyncError>>,
    ) -> Result<(), DeviceError> {
        self.wait(submission)?;
        for _ in 0..PATIENCE {
            // Another thread that polls the device may have taken the callback without calling it
            // yet.
            match mapped.recv_timeout(Duration::from_secs(1)) {
                Ok(Ok(())) => return Ok(()),
                // The loss of the application's device shows as a buffer that cannot be mapped.
                Ok(Err(error)) => return Err(self.gone(&error.to_string())),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(self.gone("a result was dropped"));
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.alive()?;
                    let _ = self.device.poll(PollType::Poll);
                }
            }
        }
        Err(self.lose(format!("a result did not come back in {PATIENCE} seconds")))
    }

    /// Marks the device as lost.
    fn lose(&self, reason: String) -> DeviceError {
        let error = self.gone(&reason);
        *self.lost.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
        error
    }
}

/// Does some work on `device`, and captures its errors instead of letting them abort the
/// application.
pub(super) fn scoped<T>(device: &Device, work: impl FnOnce() -> T) -> (T, Option<Error>) {
    let memory = device.push_error_scope(ErrorFilter::OutOfMemory);
    let validation = device.push_error_scope(ErrorFilter::Validation);
    let internal = device.push_error_scope(ErrorFilter::Internal);
    let done = work();
    let [internal, validation, memory] =
        [internal, validation, memory].map(|scope| pollster::block_on(scope.pop()));
    // Objects that use memory that could not be allocated are also invalid.
    (done, memory.or(validation).or(internal))
}

/// The limits that the kernels need, within WebGPU's guarantees for any GPU: (name, minimum,
/// available).
fn needs(offered: &Limits) -> [(&'static str, u64, u64); 9] {
    let Limits {
        max_storage_buffers_per_shader_stage: buffers,
        max_storage_buffer_binding_size: binding,
        max_buffer_size: buffer,
        max_uniform_buffer_binding_size: uniform,
        max_compute_workgroup_storage_size: memory,
        max_compute_invocations_per_workgroup: invocations,
        max_compute_workgroup_size_x: wide,
        max_compute_workgroups_per_dimension: groups,
        max_dynamic_uniform_buffers_per_pipeline_layout: dynamic,
        ..
    } = offered;
    [
        (
            "max_storage_buffers_per_shader_stage",
            8,
            u64::from(*buffers),
        ),
        // Some drivers report 2²⁷ − 4.
        ("max_storage_buffer_binding_size", (128 << 20) - 4, *binding),
        ("max_buffer_size", (128 << 20) - 4, *buffer),
        ("max_uniform_buffer_binding_size", SLOT as u64, *uniform),
        (
            "max_compute_workgroup_storage_size",
            16 << 10,
            u64::from(*memory),
        ),
        (
            "max_compute_invocations_per_workgroup",
            256,
            u64::from(*invocations),
        ),
        ("max_compute_workgroup_size_x", 256, u64::from(*wide)),
        (
            "max_compute_workgroups_per_dimension",
            MOST_GROUPS.into(),
            u64::from(*groups),
        ),
        (
            "max_dynamic_uniform_buffers_per_pipeline_layout",
            1,
            u64::from(*dynamic),
        ),
    ]
}

/// Fails with the names of the limits that a device lacks.
pub(super) fn missing_limits(name: &str, offered: &Limits) -> Result<(), DeviceError> {
    let short = needs(offered)
        .into_iter()
        .filter(|(_, wanted, offered)| offered < wanted);
    let mut missing: Vec<_> = short
        .map(|(limit, wanted, offered)| format!("{limit} of {wanted} (it has {offered})"))
        .collect();
    let offset = offered
        .min_storage_buffer_offset_alignment
        .max(offered.min_uniform_buffer_offset_alignment);
    if offset as usize > SLOT {
        missing.push(format!(
            "buffer offsets at multiples of {SLOT} (it wants {offset})"
        ));
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(DeviceError::Lacking {
        device: name.to_owned(),
        missing: missing.join(", "),
    })
}
