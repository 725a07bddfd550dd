//! The expressions of a request and what they are given, and the checks that come before the first of them is parsed.

use super::attributes::{FirstFault, read_value};
use super::reader::{Reader, Result};
use pixii::dynamo::expression::context::ExpressionContext;
use pixii::dynamo::expression::fault::{InvalidPlaceholder, PlaceholderKind};
use pixii::{ExpressionFault, Value, ValueFault};
use std::collections::BTreeMap;

/// `ExpressionAttributeNames` and `ExpressionAttributeValues` of a request.
#[derive(Debug, Default)]
pub(crate) struct Placeholders {
    names: Option<BTreeMap<String, String>>,
    values: Option<BTreeMap<String, Value>>,
    /// The first value that DynamoDB does not store, by its placeholder.
    fault: Option<(String, ValueFault)>,
}

impl Placeholders {
    /// Reads the member `name` if it is one of these two.
    pub(crate) fn read(&mut self, reader: &mut Reader<'_>, name: &str) -> Result<bool> {
        match name {
            "ExpressionAttributeNames" => self.names = read_names(reader)?,
            "ExpressionAttributeValues" => self.read_values(reader)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn read_values(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        let mut values = BTreeMap::new();
        let fault = &mut self.fault;
        let is_there = reader.map(|reader, placeholder| {
            let mut first = FirstFault::default();
            let value = read_value(reader, &mut first)?;
            let found = first.check().err().or(value.is_none().then_some(ValueFault::Untyped));
            if let (None, Some(found)) = (&fault, found) {
                *fault = Some((placeholder.to_owned(), found));
            }
            values.insert(placeholder.to_owned(), value.unwrap_or(Value::Null));
            Ok(())
        })?;
        self.values = is_there.then_some(values);
        Ok(())
    }

    /// The names, if there are any.
    pub(crate) fn names(&self) -> Option<&BTreeMap<String, String>> {
        self.names.as_ref()
    }

    /// What the request's expressions are parsed in. Refuses names and values where there is no expression, and values
    /// that DynamoDB does not store.
    pub(crate) fn into_context(
        self,
        has_expressions: bool,
    ) -> std::result::Result<ExpressionContext, ExpressionFault> {
        if !has_expressions {
            let lonely = [
                (PlaceholderKind::Name, self.names.is_some()),
                (PlaceholderKind::Value, self.values.is_some()),
            ];
            if let Some((kind, _)) = lonely.into_iter().find(|(_, is_there)| *is_there) {
                return Err(ExpressionFault::Placeholders { kind, fault: InvalidPlaceholder::NoExpression });
            }
        }
        if let Some((placeholder, fault)) = self.fault {
            let fault = InvalidPlaceholder::Invalid { placeholder, fault };
            return Err(ExpressionFault::Placeholders { kind: PlaceholderKind::Value, fault });
        }
        ExpressionContext::new(self.names, self.values)
    }
}

fn read_names(reader: &mut Reader<'_>) -> Result<Option<BTreeMap<String, String>>> {
    let mut names = BTreeMap::new();
    let is_there = reader.map(|reader, placeholder| {
        if let Some(name) = reader.string()? {
            names.insert(placeholder.to_owned(), name.into_owned());
        }
        Ok(())
    })?;
    Ok(is_there.then_some(names))
}
