//! Which request a statement is: by the key of its table, or of the index that it names.

use super::fault::{Result, StatementFault};
use super::statement::{DeleteStatement, Direction, Insert, Select, UpdateStatement};
use pixii::dynamo::expression::tree::{
    Comparator, Condition, KeyClause, KeyCondition, Operand, ProjectionExpression, Update,
};
use pixii::dynamo::read::request::KeyConditions;
use pixii::{
    DeleteRequest, DocumentPath, Item, Key, KeySchema, Order, PutRequest, QueryRequest, ReadOptions,
    ReturnValues, ScanRequest, TableSchema, UpdateRequest, WriteOptions,
};

/// How a `SELECT` is read.
#[derive(Debug)]
pub(crate) enum Reading {
    Query(QueryRequest),
    Scan(ScanRequest),
}

/// The parts of a condition that must all be met.
fn conjuncts(condition: Option<Condition>) -> Vec<Condition> {
    match condition {
        None => Vec::new(),
        Some(Condition::And(parts)) => parts.into_iter().flat_map(|part| conjuncts(Some(part))).collect(),
        Some(condition) => vec![condition],
    }
}

fn all_of(mut conditions: Vec<Condition>) -> Option<Condition> {
    match conditions.len() {
        0 => None,
        1 => conditions.pop(),
        _ => Some(Condition::And(conditions)),
    }
}

fn key_of<'a>(schema: &'a TableSchema, index: Option<&str>) -> Option<&'a KeySchema> {
    let Some(index) = index else { return Some(schema.key()) };
    let global = schema.global_indexes().iter().find(|global| global.name() == index);
    let local = schema.local_indexes().iter().find(|local| local.name() == index);
    global.map(pixii::GlobalIndex::key).or(local.map(pixii::LocalIndex::key))
}

/// What a condition asks of one top-level attribute, if it is what a key condition can ask.
fn clause(condition: &Condition) -> Option<KeyClause> {
    let attribute = |operand: &Operand| match operand {
        Operand::Path(path) if path.depth() == 1 => Some(path.root().to_owned()),
        _ => None,
    };
    let value = |operand: &Operand| match operand {
        Operand::Value(constant) => Some(constant.value().clone()),
        _ => None,
    };
    let (attribute, condition) = match condition {
        Condition::Compare { left, comparator, right } => {
            let value = value(right)?;
            let condition = match comparator {
                Comparator::Equal => KeyCondition::Equal(value),
                Comparator::Less => KeyCondition::Less(value),
                Comparator::LessOrEqual => KeyCondition::LessOrEqual(value),
                Comparator::Greater => KeyCondition::Greater(value),
                Comparator::GreaterOrEqual => KeyCondition::GreaterOrEqual(value),
                Comparator::NotEqual => return None,
            };
            (attribute(left)?, condition)
        }
        Condition::Between { operand, lower, upper } => {
            (attribute(operand)?, KeyCondition::Between(value(lower)?, value(upper)?))
        }
        Condition::BeginsWith { operand, prefix } => {
            (attribute(operand)?, KeyCondition::BeginsWith(value(prefix)?))
        }
        _ => return None,
    };
    Some(KeyClause { attribute, condition })
}

/// Takes the conditions out that ask equality of an attribute.
fn take_equality(conditions: &mut Vec<Condition>, name: &str) -> Option<KeyClause> {
    let is_equality = |condition: &Condition| {
        clause(condition)
            .filter(|clause| clause.attribute == name && matches!(clause.condition, KeyCondition::Equal(_)))
    };
    let at = conditions.iter().position(|condition| is_equality(condition).is_some())?;
    is_equality(&conditions.remove(at))
}

/// The key conditions of a query, taken out of all conditions; none unless the partition is fixed and what is left
/// names no key attribute.
fn key_clauses(key: &KeySchema, conditions: &[Condition]) -> Option<(Vec<KeyClause>, Vec<Condition>)> {
    let mut rest = conditions.to_vec();
    let mut clauses = Vec::new();
    for attribute in key.partition() {
        clauses.push(take_equality(&mut rest, &attribute.name)?);
    }
    for attribute in key.sort() {
        if let Some(equality) = take_equality(&mut rest, &attribute.name) {
            clauses.push(equality);
            continue;
        }
        let is_of =
            |condition: &Condition| clause(condition).filter(|clause| clause.attribute == attribute.name);
        if let Some(at) = rest.iter().position(|condition| is_of(condition).is_some()) {
            clauses.extend(is_of(&rest.remove(at)));
        }
        break;
    }
    let mut names_key = false;
    for condition in &rest {
        condition.visit_paths(&mut |path| names_key |= key.contains(path.root()));
    }
    (!names_key).then_some((clauses, rest))
}

/// Whether the conditions fix all attributes of the table's key.
pub(crate) fn has_whole_key(schema: &TableSchema, select: &Select) -> bool {
    let mut rest = conjuncts(select.condition.clone());
    select.index.is_none()
        && schema.key().attributes().all(|attribute| take_equality(&mut rest, &attribute.name).is_some())
}

/// How a `SELECT` is read. `options` have what stands beside the statement.
pub(crate) fn reading(schema: &TableSchema, select: Select, options: ReadOptions) -> Result<Reading> {
    let conditions = conjuncts(select.condition);
    let options = ReadOptions {
        projection: select.paths.map(|paths| ProjectionExpression { paths }),
        index: select.index,
        ..options
    };
    let key = key_of(schema, options.index.as_deref());
    if let Some((clauses, rest)) = key.and_then(|key| key_clauses(key, &conditions)) {
        let sort = key.and_then(|key| key.sort().first()).map(|attribute| attribute.name.as_str());
        let order = match select.order.as_slice() {
            [] => Order::Ascending,
            [.., (last, direction)] if Some(last.as_str()) == sort => match direction {
                Direction::Ascending => Order::Ascending,
                Direction::Descending => Order::Descending,
            },
            _ => return Err(order_fault()),
        };
        let options = ReadOptions { filter: all_of(rest), ..options };
        let key = KeyConditions::Clauses(clauses);
        return Ok(Reading::Query(QueryRequest { key, order, options, ..QueryRequest::default() }));
    }
    if !select.order.is_empty() {
        return Err(order_fault());
    }
    let options = ReadOptions { filter: all_of(conditions), ..options };
    Ok(Reading::Scan(ScanRequest { options, ..ScanRequest::default() }))
}

fn order_fault() -> StatementFault {
    StatementFault(
        "Must have WHERE clause in the statement when using ORDER BY clause, with an equality on the hash key, and \
         variables of ORDER BY must be part of the primary key"
            .to_owned(),
    )
}

/// The key that a change is of, and what else its item must meet.
fn whole_key(schema: &TableSchema, condition: Option<Condition>) -> Result<(Key, Vec<Condition>)> {
    let mut rest = conjuncts(condition);
    let mut key = Item::new();
    for attribute in schema.key().attributes() {
        match take_equality(&mut rest, &attribute.name) {
            Some(KeyClause { condition: KeyCondition::Equal(value), .. }) => {
                key.insert(attribute.name.clone(), value);
            }
            _ => return Err(StatementFault::key_missing()),
        }
    }
    Ok((Key::Attributes(key), rest))
}

fn partition_path(schema: &TableSchema) -> DocumentPath {
    let first = schema.key().partition().first();
    DocumentPath::attribute(first.map_or("", |attribute| attribute.name.as_str()))
}

/// The read that `SELECT` by a whole key, or `EXISTS`, is.
pub(crate) fn whole_read(schema: &TableSchema, select: &Select) -> Result<(Key, Option<Condition>)> {
    if select.index.is_some() {
        return Err(StatementFault::key_missing());
    }
    let (key, rest) = whole_key(schema, select.condition.clone())?;
    Ok((key, all_of(rest)))
}

/// The put that an `INSERT` is: there must be no such item.
pub(crate) fn insert(schema: &TableSchema, insert: Insert) -> PutRequest {
    let condition = Some(Condition::AttributeNotExists(partition_path(schema)));
    let options = WriteOptions { condition, ..WriteOptions::default() };
    PutRequest { options, ..PutRequest::new(insert.item) }
}

/// The update that an `UPDATE` is: there must be such an item.
pub(crate) fn update(schema: &TableSchema, update: UpdateStatement) -> Result<UpdateRequest> {
    let (key, mut rest) = whole_key(schema, update.condition)?;
    rest.insert(0, Condition::AttributeExists(partition_path(schema)));
    let options =
        WriteOptions { condition: all_of(rest), return_values: update.returning, ..WriteOptions::default() };
    Ok(UpdateRequest { options, ..UpdateRequest::new(key, Update { actions: update.actions }) })
}

/// The delete that a `DELETE` is.
pub(crate) fn delete(schema: &TableSchema, delete: DeleteStatement) -> Result<DeleteRequest> {
    if !matches!(delete.returning, ReturnValues::None | ReturnValues::AllOld) {
        return Err(StatementFault::malformed("DELETE can return ALL OLD * only"));
    }
    let (key, rest) = whole_key(schema, delete.condition)?;
    let options =
        WriteOptions { condition: all_of(rest), return_values: delete.returning, ..WriteOptions::default() };
    Ok(DeleteRequest { options, ..DeleteRequest::new(key) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use pixii::dynamo::expression::tree::Constant;
    use pixii::{KeyType, Value};

    fn equal(name: &str, value: impl Into<Value>) -> Condition {
        Condition::Compare {
            left: Operand::Path(DocumentPath::attribute(name)),
            comparator: Comparator::Equal,
            right: Operand::Value(Constant::new(value)),
        }
    }

    fn schema() -> TableSchema {
        let schema = TableSchema::builder("Table")
            .partition_key("pk", KeyType::String)
            .sort_key("sk", KeyType::Number);
        schema.build().expect("a schema")
    }

    fn read(condition: Option<Condition>) -> Reading {
        let select = Select { table: "T".to_owned(), index: None, paths: None, condition, order: Vec::new() };
        reading(&schema(), select, ReadOptions::default()).expect("it can be read")
    }

    #[test]
    fn a_fixed_partition_is_queried_and_all_else_is_scanned() {
        let pk = || equal("pk", "p");
        let Reading::Query(query) = read(Some(Condition::And(vec![equal("a", 1), pk(), equal("sk", 2)])))
        else {
            panic!("the partition is fixed")
        };
        assert!(matches!(query.key, KeyConditions::Clauses(clauses) if clauses.len() == 2));
        assert_eq!(query.options.filter, Some(equal("a", 1)));
        assert!(matches!(read(None), Reading::Scan(_)));
        assert!(matches!(read(Some(equal("a", 1))), Reading::Scan(_)));
        assert!(matches!(read(Some(Condition::Or(vec![pk(), equal("a", 1)]))), Reading::Scan(_)));
        let alternatives = Condition::Or(vec![equal("sk", 1), equal("sk", 2)]);
        assert!(matches!(read(Some(Condition::And(vec![pk(), alternatives]))), Reading::Scan(_)));
    }

    #[test]
    fn a_change_names_the_whole_key() {
        let delete = |condition| {
            let delete = DeleteStatement { table: "T".to_owned(), condition, returning: ReturnValues::None };
            super::delete(&schema(), delete)
        };
        let missing = Some(StatementFault::key_missing());
        assert_eq!(delete(None).err(), missing);
        assert_eq!(delete(Some(equal("pk", "p"))).err(), missing);
        let either = Condition::Or(vec![equal("pk", "p"), equal("sk", 1)]);
        assert_eq!(delete(Some(either)).err(), missing);
        let whole = Condition::And(vec![equal("pk", "p"), equal("sk", 1), equal("a", 1)]);
        assert_eq!(delete(Some(whole)).expect("it names the key").options.condition, Some(equal("a", 1)));
    }
}
