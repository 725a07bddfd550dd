//! `AttributesToGet`: which attributes of an item an answer has.

use super::fault::LegacyFault;
use crate::dynamo::expression::path::DocumentPath;
use crate::dynamo::expression::tree::ProjectionExpression;
use crate::dynamo::value::validate_attribute_name;
use std::collections::BTreeSet;

/// The projection that `AttributesToGet` asks for: whole attributes, in their order.
///
/// ```
/// use pixii::DocumentPath;
/// use pixii::dynamo::legacy::attributes_to_get::attributes_to_get;
///
/// let projection = attributes_to_get(&["a.b".to_owned(), "name".to_owned()])?;
/// assert_eq!(projection.paths, [DocumentPath::attribute("a.b"), DocumentPath::attribute("name")]);
/// # Ok::<(), pixii::dynamo::legacy::fault::LegacyFault>(())
/// ```
pub fn attributes_to_get(names: &[String]) -> Result<ProjectionExpression, LegacyFault> {
    if names.is_empty() {
        return Err(LegacyFault::NothingToGet);
    }
    names.iter().try_for_each(|name| validate_attribute_name(name))?;
    let mut seen = BTreeSet::new();
    if let Some(attribute) = names.iter().find(|name| !seen.insert(*name)) {
        return Err(LegacyFault::AttributeRepeated { attribute: attribute.clone() });
    }
    Ok(ProjectionExpression { paths: names.iter().map(DocumentPath::attribute).collect() })
}
