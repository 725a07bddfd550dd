//! Projections: which parts of an item an answer has.
//!
//! A list of attributes is one: names in an array or a vector, attributes of several types in a tuple.

use super::attribute::IntoAttribute;
use crate::dynamo::expression::tree::ProjectionExpression;

/// The parts that stand at these places.
///
/// ```
/// use pixii::{Attribute, ProjectionExpression, attr};
///
/// let names = ProjectionExpression::from(["id", "title"]);
/// assert_eq!(names.paths.len(), 2);
///
/// const ID: Attribute<u64> = Attribute::new("id");
/// let mixed = ProjectionExpression::from((ID, "title", attr("tags").element(0)));
/// assert_eq!(mixed.paths[..1], names.paths[..1]);
/// ```
impl<A: IntoAttribute, const COUNT: usize> From<[A; COUNT]> for ProjectionExpression {
    fn from(attributes: [A; COUNT]) -> Self {
        attributes.into_iter().collect()
    }
}

impl<A: IntoAttribute> From<Vec<A>> for ProjectionExpression {
    fn from(attributes: Vec<A>) -> Self {
        attributes.into_iter().collect()
    }
}

impl<A: IntoAttribute> FromIterator<A> for ProjectionExpression {
    fn from_iter<I: IntoIterator<Item = A>>(attributes: I) -> Self {
        let paths = attributes.into_iter().map(|attribute| attribute.into_attribute().into_path());
        Self { paths: paths.collect() }
    }
}

macro_rules! projections_from_tuples {
    ($(($($attribute:ident),*)),* $(,)?) => {$(
        impl<$($attribute: IntoAttribute),*> From<($($attribute,)*)> for ProjectionExpression {
            #[expect(non_snake_case, reason = "a variable is called like its type")]
            fn from(($($attribute,)*): ($($attribute,)*)) -> Self {
                Self { paths: vec![$($attribute.into_attribute().into_path()),*] }
            }
        }
    )*};
}

projections_from_tuples! {
    (A), (A, B), (A, B, C), (A, B, C, D), (A, B, C, D, E), (A, B, C, D, E, F), (A, B, C, D, E, F, G),
    (A, B, C, D, E, F, G, H),
}
