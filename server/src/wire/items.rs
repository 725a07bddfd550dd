//! `GetItem`, `PutItem`, `UpdateItem` and `DeleteItem`.

use super::attributes::{FirstFault, read_item, write_stored};
use super::capacity;
use super::choices;
use super::expressions::Placeholders;
use super::legacy::{self, Legacy, LegacyMembers};
use super::members::Members;
use super::reader::{Reader, Result as ReadResult};
use super::refusal::Refusal;
use super::service::{Service, Wording};
use super::writer;
use pixii::dynamo::expression::context::ExpressionContext;
use pixii::dynamo::expression::fault::ExpressionKind;
use pixii::dynamo::expression::tree::Update;
use pixii::dynamo::stored::StoredItem;
use pixii::legacy::parameters::LegacyParameter;
use pixii::{
    Consistency, DeleteRequest, Error, Fault, GetRequest, Item, Key, Operation, PutRequest, UpdateRequest,
    WriteOptions, WriteOutput,
};

/// A refusal by what `operation` finds.
pub(super) fn fault(operation: Operation, fault: impl Into<Fault>) -> Error {
    Error::new(operation, fault.into())
}

/// An item as JSON, from where it is stored.
pub(super) fn stored_json(item: &StoredItem<'_>) -> pixii::Result<Vec<u8>> {
    let mut json = Vec::with_capacity(2 * item.as_bytes().len());
    write_stored(item, &mut json).map_err(|error| pixii::Error::damaged("item", error))?;
    Ok(json)
}

/// Answers `GetItem`.
pub(crate) fn get(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    const OPERATION: Operation = Operation::GetItem;
    let (mut table, mut key, mut values) = (None, None, FirstFault::default());
    let (mut projection, mut is_consistent, mut capacity) = (None, None, None);
    let (mut placeholders, mut legacy) = (Placeholders::default(), LegacyMembers::default());
    reader.structure("GetItemInput", |reader, name| {
        match name {
            "TableName" => table = reader.owned()?,
            "Key" => key = read_item(reader, &mut values)?,
            "ProjectionExpression" => projection = reader.owned()?,
            "ConsistentRead" => is_consistent = reader.boolean()?,
            "ReturnConsumedCapacity" => capacity = reader.owned()?,
            _ if placeholders.read(reader, name)? => {}
            _ if legacy.read(legacy::OF_GETS, reader, &mut values, name)? => {}
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    let mixed = legacy
        .check_mixing(LegacyParameter::ScanFilter, &[(ExpressionKind::Projection, projection.is_some())]);
    let mut members = Members::default();
    let table = members.table_name("tableName", table);
    let key = members.present("key", key).unwrap_or_default();
    let return_consumed_capacity = choices::return_consumed_capacity(&mut members, capacity.as_deref());
    let legacy = legacy.finish("", &mut members);
    members.finish(OPERATION)?;
    mixed.map_err(|found| fault(OPERATION, found))?;
    values.check().map_err(|found| fault(OPERATION, found))?;
    key.validate().map_err(|found| fault(OPERATION, found))?;
    let projection =
        read_expressions(service.wording, OPERATION, placeholders, projection.is_some(), |context| {
            projection.as_deref().map(|text| context.projection(text)).transpose()
        })?;
    let request = GetRequest {
        projection,
        consistency: consistency(is_consistent),
        return_consumed_capacity,
        legacy: legacy.of_get(),
        ..GetRequest::new(Key::Attributes(key))
    };
    service.transients.check_items(OPERATION, &table)?;
    let output = service.operations.get(&table, &request, stored_json)?;
    Ok(writer::body(|body| {
        capacity::write_one(output.consumed_capacity.as_ref(), body);
        if let Some(item) = &output.item {
            body.member("Item").extend_from_slice(item);
        }
    }))
}

pub(super) fn consistency(is_consistent: Option<bool>) -> Consistency {
    if is_consistent == Some(true) { Consistency::Strong } else { Consistency::Eventual }
}

/// Reads expressions with what they are given, and refuses what none of them uses.
pub(super) fn read_expressions<T>(
    wording: Wording,
    operation: Operation,
    placeholders: Placeholders,
    has_expressions: bool,
    read: impl FnOnce(&mut ExpressionContext) -> Result<T, pixii::ExpressionFault>,
) -> Result<T, Error> {
    let read_all = || {
        let mut context = placeholders.into_context(has_expressions)?;
        if wording.allow_reserved_words {
            context = context.with_reserved_words();
        }
        let read = read(&mut context)?;
        context.finish()?;
        Ok(read)
    };
    read_all().map_err(|found: pixii::ExpressionFault| fault(operation, found))
}

/// What the writes of one item have in common.
#[derive(Debug, Default)]
pub(super) struct WriteMembers {
    pub(super) table: Option<String>,
    pub(super) condition: Option<String>,
    pub(super) update: Option<String>,
    pub(super) placeholders: Placeholders,
    pub(super) values: FirstFault,
    pub(super) item: Option<Item>,
    return_values: Option<String>,
    pub(super) on_failure: Option<String>,
    capacity: Option<String>,
    metrics: Option<String>,
    legacy: LegacyMembers,
}

/// Which writes there are, by the members that say what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WriteKind {
    Put,
    Update,
    Delete,
}

impl WriteKind {
    fn legacy_parameters(self) -> &'static [LegacyParameter] {
        if self == Self::Update { legacy::OF_UPDATES } else { legacy::OF_WRITES }
    }

    fn operation(self) -> Operation {
        match self {
            Self::Put => Operation::PutItem,
            Self::Update => Operation::UpdateItem,
            Self::Delete => Operation::DeleteItem,
        }
    }

    /// The member that has the item or its key.
    pub(super) fn item_member(self) -> (&'static str, &'static str) {
        if self == Self::Put { ("Item", "item") } else { ("Key", "key") }
    }
}

impl WriteMembers {
    /// Reads one member, or passes over it.
    pub(super) fn read(&mut self, kind: WriteKind, reader: &mut Reader<'_>, name: &str) -> ReadResult<()> {
        match name {
            "TableName" => self.table = reader.owned()?,
            "ConditionExpression" => self.condition = reader.owned()?,
            "UpdateExpression" if kind == WriteKind::Update => self.update = reader.owned()?,
            "ReturnValues" => self.return_values = reader.owned()?,
            "ReturnValuesOnConditionCheckFailure" => self.on_failure = reader.owned()?,
            "ReturnConsumedCapacity" => self.capacity = reader.owned()?,
            "ReturnItemCollectionMetrics" => self.metrics = reader.owned()?,
            _ if name == kind.item_member().0 => self.item = read_item(reader, &mut self.values)?,
            _ if self.placeholders.read(reader, name)? => {}
            _ => reader.skip()?,
        }
        Ok(())
    }

    /// Checks what needs no table, and reads the expressions.
    fn finish(self, kind: WriteKind, wording: Wording) -> Result<Write, Error> {
        let operation = kind.operation();
        let mut members = match kind {
            WriteKind::Update => Members::telling_one_choice(),
            WriteKind::Put | WriteKind::Delete => Members::default(),
        };
        let table = members.table_name("tableName", self.table);
        let item = members.present(kind.item_member().1, self.item).unwrap_or_default();
        let options = WriteOptions {
            return_consumed_capacity: choices::return_consumed_capacity(
                &mut members,
                self.capacity.as_deref(),
            ),
            return_item_collection_metrics: choices::return_item_collection_metrics(
                &mut members,
                self.metrics.as_deref(),
            ),
            return_values: choices::return_values(&mut members, self.return_values.as_deref()),
            return_values_on_condition_check_failure: choices::on_condition_check_failure(
                &mut members,
                "returnValuesOnConditionCheckFailure",
                self.on_failure.as_deref(),
            ),
            ..WriteOptions::default()
        };
        let legacy = self.legacy;
        let mixed = legacy.check_mixing(
            LegacyParameter::ScanFilter,
            &[
                (ExpressionKind::Update, self.update.is_some()),
                (ExpressionKind::Condition, self.condition.is_some()),
            ],
        );
        let legacy = legacy.finish("", &mut members);
        members.finish(operation)?;
        if kind != WriteKind::Update
            && !matches!(options.return_values, pixii::ReturnValues::None | pixii::ReturnValues::AllOld)
        {
            return Err(fault(operation, pixii::WriteFault::ReturnValues));
        }
        mixed.map_err(|found| fault(operation, found))?;
        legacy.check_operator().map_err(|found| fault(operation, found))?;
        self.values.check().map_err(|found| fault(operation, found))?;
        item.validate().map_err(|found| fault(operation, found))?;
        let (update, condition) = (self.update.as_deref(), self.condition.as_deref());
        let has_expressions = update.is_some() || condition.is_some();
        let (update, condition) =
            read_expressions(wording, operation, self.placeholders, has_expressions, |context| {
                let update = update.map(|text| context.update(text)).transpose()?;
                Ok((update, condition.map(|text| context.condition(text)).transpose()?))
            })?;
        let options = WriteOptions { condition, ..options };
        Ok(Write { table, item, update: update.unwrap_or_default(), options, legacy })
    }
}

struct Write {
    table: String,
    item: Item,
    update: Update,
    options: WriteOptions,
    legacy: Legacy,
}

fn read_write(service: &Service, kind: WriteKind, reader: &mut Reader<'_>) -> Result<Write, Refusal> {
    let mut members = WriteMembers::default();
    let taken = kind.legacy_parameters();
    reader.structure("WriteInput", |reader, name| {
        if members.legacy.read(taken, reader, &mut members.values, name)? {
            return Ok(());
        }
        members.read(kind, reader, name)
    })?;
    let write = members.finish(kind, service.wording)?;
    service.transients.check_items(kind.operation(), &write.table)?;
    Ok(write)
}

fn write_answer(output: &WriteOutput) -> Vec<u8> {
    writer::body(|body| {
        body.maybe_item("Attributes", output.attributes.as_ref());
        capacity::write_one(output.consumed_capacity.as_ref(), body);
        if let Some(metrics) = &output.item_collection_metrics {
            body.object("ItemCollectionMetrics", |object| capacity::write_metrics(metrics, object));
        }
    })
}

/// Answers `PutItem`.
pub(crate) fn put(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    let Write { table, item, options, legacy, .. } = read_write(service, WriteKind::Put, reader)?;
    let request = PutRequest { options, legacy: legacy.of_write(), ..PutRequest::new(item) };
    Ok(write_answer(&service.operations.put(&table, &request)?.wait()?))
}

/// Answers `UpdateItem`.
pub(crate) fn update(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    let Write { table, item, update, options, legacy } = read_write(service, WriteKind::Update, reader)?;
    let legacy = legacy.of_update();
    let request = UpdateRequest { options, legacy, ..UpdateRequest::new(Key::Attributes(item), update) };
    Ok(write_answer(&service.operations.update(&table, &request)?.wait()?))
}

/// Answers `DeleteItem`.
pub(crate) fn delete(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    let Write { table, item, options, legacy, .. } = read_write(service, WriteKind::Delete, reader)?;
    let request =
        DeleteRequest { options, legacy: legacy.of_write(), ..DeleteRequest::new(Key::Attributes(item)) };
    Ok(write_answer(&service.operations.delete(&table, &request)?.wait()?))
}
