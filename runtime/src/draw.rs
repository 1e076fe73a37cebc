//! placeholder
use supernet_plugin::{GenomeError, Supergraph};
/// c
pub struct Caption {
    /// t
    pub title: String,
    /// s
    pub subtitle: String,
}
/// s
pub fn svg(_: &Supergraph, _: &[u32], c: &Caption) -> Result<String, GenomeError> {
    Ok(c.title.clone())
}
