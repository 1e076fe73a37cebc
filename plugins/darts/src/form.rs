use supernet_plugin::{BuildError, Config, Field, Tensor};

/// Which of the two networks of a space is built. Both have the same decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The network that is searched: batch norm without scale and shift, also after pooling, so
    /// that no operation can scale itself up relative to the others (DARTS, appendix A.1 and
    /// released code).
    Search,
    /// The network that is trained from scratch: batch norm with scale and shift, and none after
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

    /// The batch norm of this form.
    pub(crate) fn norm(self, x: Tensor<'_>) -> Tensor<'_> {
        match self {
            Form::Search => x.norm_plain(),
            Form::Final => x.norm(),
        }
    }
}
