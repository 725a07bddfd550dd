//! `pixii query`: the items of a partition in the order of their sort key.

use crate::failure::Result;
use crate::keys::{key_schema, parse_value, partition_attribute, sort_attribute};
use crate::output::{ItemFormat, Output};
use crate::store::TableArguments;
use clap::Args;
use pixii::KeyCondition;
use pixii::dynamo::schema::KeySchema;
use std::num::NonZeroUsize;

/// Print the items of a partition in the order of their sort key, one a line.
///
/// Values are given as the key's type says: a string as it stands, a number by its digits, binary as base64.
#[derive(Args, Debug)]
pub(crate) struct QueryArguments {
    #[command(flatten)]
    table: TableArguments,
    /// The value of the partition key
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    partition: String,
    /// Reads this index, by its keys
    #[arg(long, value_name = "NAME")]
    index: Option<String>,
    #[command(flatten)]
    sort: SortArguments,
    /// From the last to the first
    #[arg(long)]
    reverse: bool,
    /// At most so many items
    #[arg(long, value_name = "N")]
    limit: Option<NonZeroUsize>,
    /// How items are written
    #[arg(long, value_enum, default_value_t)]
    format: ItemFormat,
}

/// What the sort key must meet.
#[derive(Args, Debug)]
#[group(multiple = false)]
struct SortArguments {
    /// The sort key is V
    #[arg(long = "sort-eq", value_name = "V", allow_hyphen_values = true)]
    equal: Option<String>,
    /// The sort key is less than V
    #[arg(long = "sort-lt", value_name = "V", allow_hyphen_values = true)]
    less: Option<String>,
    /// The sort key is V or less
    #[arg(long = "sort-le", value_name = "V", allow_hyphen_values = true)]
    less_or_equal: Option<String>,
    /// The sort key is greater than V
    #[arg(long = "sort-gt", value_name = "V", allow_hyphen_values = true)]
    greater: Option<String>,
    /// The sort key is V or greater
    #[arg(long = "sort-ge", value_name = "V", allow_hyphen_values = true)]
    greater_or_equal: Option<String>,
    /// The sort key is from A to B, both included
    #[arg(long = "sort-between", num_args = 2, value_names = ["A", "B"], allow_hyphen_values = true)]
    between: Option<Vec<String>>,
    /// The sort key begins with V
    #[arg(long = "sort-begins-with", value_name = "V", allow_hyphen_values = true)]
    begins_with: Option<String>,
}

impl SortArguments {
    fn condition(&self, key: &KeySchema) -> Result<Option<KeyCondition>> {
        let value = |text: &str| parse_value(sort_attribute(key)?, text);
        if let Some([lower, upper]) = self.between.as_deref() {
            return Ok(Some(KeyCondition::Between(value(lower)?, value(upper)?)));
        }
        let operators = [
            (&self.equal, KeyCondition::Equal as fn(_) -> _),
            (&self.less, KeyCondition::Less),
            (&self.less_or_equal, KeyCondition::LessOrEqual),
            (&self.greater, KeyCondition::Greater),
            (&self.greater_or_equal, KeyCondition::GreaterOrEqual),
            (&self.begins_with, KeyCondition::BeginsWith),
        ];
        let given = operators.into_iter().find_map(|(text, operator)| Some((text.as_deref()?, operator)));
        given.map(|(text, operator)| value(text).map(operator)).transpose()
    }
}

/// Runs the command.
pub(crate) fn run(arguments: &QueryArguments) -> Result<()> {
    let table = arguments.table.open()?;
    let key = key_schema(table.schema(), arguments.index.as_deref())?;
    let mut query = table.query(parse_value(partition_attribute(key)?, &arguments.partition)?);
    if let Some(condition) = arguments.sort.condition(key)? {
        query = query.sort_key(condition);
    }
    if let Some(index) = &arguments.index {
        query = query.index(index);
    }
    if arguments.reverse {
        query = query.reverse();
    }
    if let Some(limit) = arguments.limit {
        query = query.limit(limit.get());
    }
    let mut output = Output::new();
    for item in query {
        output.item(&item?, arguments.format)?;
    }
    output.flush()
}
