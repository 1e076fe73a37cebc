use supernet_plugin::{BuildError, Config, Field, Tensor};

/// Which of its two networks a space builds. Both have the same decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The network that is searched: batch norm without scale and shift, also after pooling, so
    /// that no operation can make itself larger than the others (DARTS, appendix A.1 and released
    /// code).
    Search,
    /// The network that is trained from scratch: batch norm with scale and shift, none after
    /// pooling.
    Final,
}

impl Form {
    pub(crate) fn field() -> Field {
        Field::one_of(
            "form",
            &["search", "final"],
            "the network that is searched, or the one that is trained in the end",
        )
    }

    pub(crate) fn from_config(config: &Config) -> Result<Self, BuildError> {
        Ok(if config.text("form")? == "final" {
            Form::Final
        } else {
            Form::Search
        })
    }

    /// Batch norm as this network has it.
    pub(crate) fn norm(self, x: Tensor<'_>) -> Tensor<'_> {
        match self {
            Form::Search => x.norm_plain(),
            Form::Final => x.norm(),
        }
    }
}
