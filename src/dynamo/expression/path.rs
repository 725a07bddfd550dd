//! Document paths: where in an item a value stands.
//!
//! Invariant: a path begins with the name of a top-level attribute. Names are names: a dot or a bracket in one has no
//! meaning.

use std::fmt;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PathElement {
    /// The attribute of an item or a map that has this name.
    Attribute(String),
    /// The element of a list at this position, counted from 0.
    Index(usize),
}

/// Where in an item a value stands: `a.b[3]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DocumentPath {
    root: String,
    rest: Vec<PathElement>,
}

impl DocumentPath {
    /// The top-level attribute of that name, whatever characters it has.
    pub fn attribute(name: impl Into<String>) -> Self {
        Self { root: name.into(), rest: Vec::new() }
    }

    /// The attribute `name` of the map at this path.
    pub fn member(mut self, name: impl Into<String>) -> Self {
        self.rest.push(PathElement::Attribute(name.into()));
        self
    }

    /// The element at `index` of the list at this path.
    pub fn element(mut self, index: usize) -> Self {
        self.rest.push(PathElement::Index(index));
        self
    }

    /// The name of the top-level attribute.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The steps below the top-level attribute.
    pub fn rest(&self) -> &[PathElement] {
        &self.rest
    }

    /// How many steps there are, the first included.
    pub fn depth(&self) -> usize {
        1 + self.rest.len()
    }
}

/// As DynamoDB prints a path: `[a, b, [3]]`.
impl fmt::Display for DocumentPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}", self.root)?;
        for element in &self.rest {
            match element {
                PathElement::Attribute(name) => write!(f, ", {name}")?,
                PathElement::Index(index) => write!(f, ", [{index}]")?,
            }
        }
        f.write_str("]")
    }
}
