//! `Query` and `Scan`.

use super::attributes::{FirstFault, read_item};
use super::capacity;
use super::choices;
use super::expressions::Placeholders;
use super::items::{consistency, fault, read_expressions, stored_json};
use super::legacy::{self, Legacy, LegacyMembers};
use super::members::Members;
use super::reader::{Reader, Result as ReadResult};
use super::refusal::Refusal;
use super::service::{Service, Wording};
use super::writer;
use pixii::dynamo::expression::fault::ExpressionKind;
use pixii::dynamo::read::request::KeyConditions;
use pixii::legacy::parameters::LegacyParameter;
use pixii::{
    Error, Fault, Item, Operation, Order, Page, ProjectionExpression, QueryRequest, ReadOptions,
    RequestFault, ScanRequest, Segment, Select,
};

/// What queries and scans have in common.
#[derive(Debug, Default)]
struct PageMembers {
    table: Option<String>,
    index: Option<String>,
    filter: Option<String>,
    projection: Option<String>,
    key_condition: Option<String>,
    select: Option<String>,
    limit: Option<i32>,
    start: Option<Item>,
    /// Of the place to start from.
    start_values: FirstFault,
    /// Of legacy parameters.
    values: FirstFault,
    is_consistent: Option<bool>,
    is_forward: Option<bool>,
    segment: Option<i32>,
    total_segments: Option<i32>,
    capacity: Option<String>,
    placeholders: Placeholders,
    legacy: LegacyMembers,
}

impl PageMembers {
    fn read(&mut self, operation: Operation, reader: &mut Reader<'_>, name: &str) -> ReadResult<()> {
        let is_query = operation == Operation::Query;
        let taken = if is_query { legacy::OF_QUERIES } else { legacy::OF_SCANS };
        match name {
            "TableName" => self.table = reader.owned()?,
            "IndexName" => self.index = reader.owned()?,
            "FilterExpression" => self.filter = reader.owned()?,
            "ProjectionExpression" => self.projection = reader.owned()?,
            "KeyConditionExpression" if is_query => self.key_condition = reader.owned()?,
            "Select" => self.select = reader.owned()?,
            "Limit" => self.limit = reader.integer()?,
            "ExclusiveStartKey" => self.start = read_item(reader, &mut self.start_values)?,
            "ConsistentRead" => self.is_consistent = reader.boolean()?,
            "ScanIndexForward" if is_query => self.is_forward = reader.boolean()?,
            "Segment" if !is_query => self.segment = reader.integer()?,
            "TotalSegments" if !is_query => self.total_segments = reader.integer()?,
            "ReturnConsumedCapacity" => self.capacity = reader.owned()?,
            _ if self.placeholders.read(reader, name)? => {}
            _ if self.legacy.read(taken, reader, &mut self.values, name)? => {}
            _ => reader.skip()?,
        }
        Ok(())
    }

    /// Checks what needs no table, and reads the expressions.
    fn finish(self, operation: Operation, wording: Wording) -> Result<Checked, Error> {
        let mut members = Members::default();
        let table = members.table_name("tableName", self.table);
        members.resource_name("indexName", self.index.as_deref());
        members.range("limit", self.limit.map(i64::from), 1, u64::MAX);
        members.range("segment", self.segment.map(i64::from), 0, 999_999);
        members.range("totalSegments", self.total_segments.map(i64::from), 1, 1_000_000);
        let select = choices::select(&mut members, self.select.as_deref());
        let return_consumed_capacity =
            choices::return_consumed_capacity(&mut members, self.capacity.as_deref());
        let filter = match operation {
            Operation::Query => (LegacyParameter::QueryFilter, "queryFilter"),
            _ => (LegacyParameter::ScanFilter, "scanFilter"),
        };
        let legacy = self.legacy;
        let mixed = legacy.check_mixing(
            filter.0,
            &[
                (ExpressionKind::Filter, self.filter.is_some()),
                (ExpressionKind::Projection, self.projection.is_some()),
                (ExpressionKind::KeyCondition, self.key_condition.is_some()),
            ],
        );
        let legacy = legacy.finish(filter.1, &mut members);
        members.finish(operation)?;
        mixed.map_err(|found| fault(operation, found))?;
        legacy.check_operator().map_err(|found| fault(operation, found))?;
        let segment = match (number(self.segment), number(self.total_segments)) {
            (None, None) => None,
            (Some(segment), Some(total_segments)) => Some(Segment { segment, total_segments }),
            (Some(_), None) => return Err(fault(operation, RequestFault::TotalSegmentsMissing)),
            (None, Some(_)) => return Err(fault(operation, RequestFault::SegmentMissing)),
        };
        segment.map_or(Ok(()), Segment::check).map_err(|found| fault(operation, found))?;
        let (filter, projection) = (self.filter.as_deref(), self.projection.as_deref());
        let key_condition = self.key_condition.as_deref();
        if operation == Operation::Query && key_condition.is_none() && !legacy.has_key_conditions() {
            return Err(fault(operation, RequestFault::KeyConditionMissing));
        }
        let options = ReadOptions {
            index: self.index,
            projection: projection.map(|_| ProjectionExpression::default()),
            select,
            ..ReadOptions::default()
        };
        options.check_select(legacy.has_attributes()).map_err(|found| fault(operation, found))?;
        self.values.check().map_err(|found| fault(operation, found))?;
        let start = self.start.as_ref().map_or(Ok(()), Item::validate);
        let start = self.start_values.check().and(start);
        start.map_err(|found| fault(operation, Fault::StartKeyValue(found)))?;
        let has_expressions = filter.is_some() || projection.is_some() || key_condition.is_some();
        let (filter, projection, key) =
            read_expressions(wording, operation, self.placeholders, has_expressions, |context| {
                let filter = filter.map(|text| context.filter(text)).transpose()?;
                let projection = projection.map(|text| context.projection(text)).transpose()?;
                let key = key_condition.map(|text| context.key_condition(text)).transpose()?;
                Ok((filter, projection, key))
            })?;
        let key = key.map_or_else(KeyConditions::default, KeyConditions::Clauses);
        let options = ReadOptions {
            filter,
            projection,
            limit: self.limit.and_then(|limit| usize::try_from(limit).ok()),
            exclusive_start_key: self.start,
            consistency: consistency(self.is_consistent),
            return_consumed_capacity,
            ..options
        };
        let order = if self.is_forward == Some(false) { Order::Descending } else { Order::Ascending };
        Ok(Checked { table, key, order, segment, options, legacy })
    }
}

/// A number that was found to be none below zero.
fn number(number: Option<i32>) -> Option<u32> {
    number.and_then(|number| u32::try_from(number).ok())
}

struct Checked {
    table: String,
    key: KeyConditions,
    order: Order,
    segment: Option<Segment>,
    options: ReadOptions,
    legacy: Legacy,
}

fn read(service: &Service, operation: Operation, reader: &mut Reader<'_>) -> Result<Checked, Refusal> {
    let mut members = PageMembers::default();
    reader.structure("PageInput", |reader, name| members.read(operation, reader, name))?;
    let checked = members.finish(operation, service.wording)?;
    service.transients.check_items(operation, &checked.table)?;
    Ok(checked)
}

fn write_page(page: &Page<Vec<u8>>, select: Option<Select>) -> Vec<u8> {
    let items_bytes: usize = page.items.iter().map(|item| item.len() + 1).sum();
    let mut buffer = Vec::with_capacity(256 + items_bytes);
    writer::write_members(&mut buffer, |body| {
        body.plain("Count", page.count);
        if select != Some(Select::Count) {
            body.array("Items", &page.items, |item, buffer| buffer.extend_from_slice(item));
        }
        body.maybe_item("LastEvaluatedKey", page.last_evaluated_key.as_ref());
        body.plain("ScannedCount", page.scanned_count);
        capacity::write_one(page.consumed_capacity.as_ref(), body);
    });
    buffer
}

/// Answers `Query`.
pub(crate) fn query(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    let Checked { table, key, order, options, legacy, .. } = read(service, Operation::Query, reader)?;
    let select = options.select;
    let request = QueryRequest { key, order, options, legacy: legacy.of_query() };
    Ok(write_page(&service.operations.query(&table, request, stored_json)?, select))
}

/// Answers `Scan`.
pub(crate) fn scan(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    let Checked { table, segment, options, legacy, .. } = read(service, Operation::Scan, reader)?;
    let select = options.select;
    let request = ScanRequest { segment, options, legacy: legacy.of_scan() };
    Ok(write_page(&service.operations.scan(&table, request, stored_json)?, select))
}
