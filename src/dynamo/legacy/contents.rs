//! The names and values of a map by attribute, which are checked before anything that they say.

use super::fault::LegacyFault;
use crate::dynamo::value::{Value, validate_attribute_name};

/// Refuses names and values that DynamoDB does not take.
pub(super) fn check_contents<'a, Values>(
    attributes: impl IntoIterator<Item = (&'a String, Values)>,
) -> Result<(), LegacyFault>
where
    Values: IntoIterator<Item = &'a Value>,
{
    for (name, values) in attributes {
        validate_attribute_name(name)?;
        values.into_iter().try_for_each(Value::validate)?;
    }
    Ok(())
}
