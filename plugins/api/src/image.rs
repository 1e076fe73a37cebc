use crate::BuildError;

/// Checks that a sample's shape is that of an image, `[height, width, channels]`, that is large
/// enough to be halved `halvings` times. Spaces apply it to their config.
///
/// # Errors
/// If it is not; the message states the shape and what the network needs.
pub fn check_image(image: &[u32], halvings: u32) -> Result<(), BuildError> {
    let &[height, width, channels] = image else {
        return Err(BuildError::refused(format!(
            "the samples have the shape {image:?}, and must be images [height, width, channels]"
        )));
    };
    let least = 1_u32.checked_shl(halvings).unwrap_or(u32::MAX);
    if height < least || width < least {
        return Err(BuildError::refused(format!(
            "images of {height} x {width} are too small: the network halves them {halvings} times, so both sides need at least {least}"
        )));
    }
    if channels == 0 {
        return Err(BuildError::refused("the images have no channels"));
    }
    Ok(())
}
