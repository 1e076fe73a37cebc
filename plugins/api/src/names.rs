use std::collections::HashMap;

use crate::axis::Axis;
use crate::nearest::hint;
use crate::{CustomOp, Dim, Extent, TIME};

/// The most axes of a shape, without the batch.
pub(crate) const MOST_AXES: usize = 8;

/// The names that shapes may refer to.
pub(crate) struct Names<'a> {
    pub(crate) extents: &'a [Extent],
    /// The decision of each extent, as an index.
    pub(crate) owners: &'a [u32],
    pub(crate) ops: &'a [CustomOp],
    /// Indices of the names, where there may be too many for a linear search.
    pub(crate) places: Option<Places<'a>>,
}

/// Extents and ops by name; extents also as axes, and by their content. Only looked up.
pub(crate) struct Places<'a> {
    extents: HashMap<&'a str, usize>,
    axes: Vec<Axis>,
    same: HashMap<(u32, &'a [u32]), usize>,
    ops: HashMap<&'a str, usize>,
}

impl<'a> Places<'a> {
    pub(crate) fn new(extents: &'a [Extent], owners: &[u32], ops: &'a [CustomOp]) -> Self {
        let by = |extent: &Extent, owner| Axis::follow(owner, extent.sizes.clone());
        let mut same = HashMap::new();
        for (i, (extent, owner)) in extents.iter().zip(owners).enumerate() {
            same.entry((*owner, extent.sizes.as_slice())).or_insert(i);
        }
        Places {
            extents: extents
                .iter()
                .enumerate()
                .map(|(i, extent)| (extent.id.as_str(), i))
                .collect(),
            axes: extents
                .iter()
                .zip(owners)
                .map(|(extent, owner)| by(extent, *owner))
                .collect(),
            same,
            ops: ops
                .iter()
                .enumerate()
                .map(|(i, op)| (op.name.as_str(), i))
                .collect(),
        }
    }
}

impl<'a> Names<'a> {
    /// The extent with these sizes.
    pub(crate) fn extent_of(&self, decision: u32, sizes: &[u32]) -> Option<&'a Extent> {
        let same = |i: &usize| self.owners[*i] == decision && self.extents[*i].sizes[..] == *sizes;
        let found = match &self.places {
            Some(places) => places.same.get(&(decision, sizes)).copied(),
            None => (0..self.owners.len()).find(same),
        };
        found.map(|i| &self.extents[i])
    }

    fn extent(&self, name: &str) -> Option<Axis> {
        match &self.places {
            Some(places) => places.extents.get(name).map(|&i| places.axes[i].clone()),
            None => {
                let i = self.extents.iter().position(|extent| extent.id == *name)?;
                Some(Axis::follow(self.owners[i], self.extents[i].sizes.clone()))
            }
        }
    }

    pub(crate) fn axis(&self, dim: &Dim) -> Result<Axis, String> {
        match dim {
            Dim::Fixed(0) => Err("a size is 0, and every axis needs at least 1".into()),
            Dim::Fixed(size) => Ok(Axis::Fixed(*size)),
            Dim::Named(name) if name == TIME => Ok(Axis::Time),
            Dim::Named(name) => match self.extent(name) {
                Some(axis) => Ok(axis),
                None => {
                    let known = hint(name, self.extents.iter().map(|extent| extent.id.as_str()));
                    Err(format!(
                        "its shape names the extent `{name}`, which does not exist{known}"
                    ))
                }
            },
        }
    }

    pub(crate) fn op(&self, name: &str) -> Result<&CustomOp, String> {
        let found = match &self.places {
            Some(places) => places.ops.get(name).map(|&i| &self.ops[i]),
            None => self.ops.iter().find(|op| op.name == *name),
        };
        found.ok_or_else(|| {
            let near = hint(name, self.ops.iter().map(|op| op.name.as_str()));
            format!("the space has no op `{name}`{near}")
        })
    }

    pub(crate) fn axes(&self, dims: &[Dim]) -> Result<Vec<Axis>, String> {
        if dims.len() > MOST_AXES {
            return Err(too_many_axes(dims.len()));
        }
        dims.iter().map(|dim| self.axis(dim)).collect()
    }
}

pub(crate) fn too_many_axes(axes: usize) -> String {
    format!("a shape of {axes} axes is too much, and {MOST_AXES} are the most")
}
