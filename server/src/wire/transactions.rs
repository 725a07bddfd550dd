//! `TransactGetItems` and `TransactWriteItems`.

use super::attributes::{FirstFault, read_item};
use super::capacity;
use super::choices;
use super::expressions::Placeholders;
use super::items::{WriteKind, WriteMembers, fault, read_expressions, stored_json};
use super::members::Members;
use super::reader::{Reader, Result as ReadResult};
use super::refusal::Refusal;
use super::service::{Service, Wording};
use super::writer::{self, write_members};
use pixii::dynamo::limits;
use pixii::{
    DeleteRequest, Error, Item, Key, Operation, PutRequest, RequestFault, TransactGet, TransactGetRequest,
    TransactWrite, TransactWriteRequest, UpdateRequest, WriteOptions,
};

/// One read of a transaction.
#[derive(Debug, Default)]
struct OneGet {
    table: Option<String>,
    key: Option<Item>,
    projection: Option<String>,
    placeholders: Placeholders,
}

impl OneGet {
    fn read(reader: &mut Reader<'_>, values: &mut FirstFault) -> ReadResult<Option<Self>> {
        let mut get = None;
        reader.structure("TransactGetItem", |reader, name| {
            if name != "Get" {
                return reader.skip();
            }
            let mut one = Self::default();
            let is_there = reader.structure("Get", |reader, name| {
                match name {
                    "TableName" => one.table = reader.owned()?,
                    "Key" => one.key = read_item(reader, values)?,
                    "ProjectionExpression" => one.projection = reader.owned()?,
                    _ if one.placeholders.read(reader, name)? => {}
                    _ => reader.skip()?,
                }
                Ok(())
            })?;
            get = is_there.then_some(one);
            Ok(())
        })?;
        Ok(get)
    }
}

/// Answers `TransactGetItems`.
pub(crate) fn get(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    const OPERATION: Operation = Operation::TransactGetItems;
    let (mut gets, mut capacity, mut values) = (None, None, FirstFault::default());
    reader.structure("TransactGetItemsInput", |reader, name| {
        match name {
            "TransactItems" => {
                gets = reader.list_up_to(limits::TRANSACTION_ACTIONS_MAX, |reader| {
                    OneGet::read(reader, &mut values)
                })?;
            }
            "ReturnConsumedCapacity" => capacity = reader.owned()?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    let mut members = Members::default();
    let gets = members.present("transactItems", gets).unwrap_or_default();
    members.count("transactItems", Some(&gets), 1, limits::TRANSACTION_ACTIONS_MAX);
    let mut named = Vec::with_capacity(gets.len());
    for (get, position) in gets.into_iter().zip(1..) {
        let path = format!("transactItems.{position}.member.get");
        let Some(get) = members.present(&path, get) else { continue };
        let table = members.table_name(&format!("{path}.tableName"), get.table);
        let key = members.present(&format!("{path}.key"), get.key).unwrap_or_default();
        named.push((table, key, get.projection, get.placeholders));
    }
    let return_consumed_capacity = choices::return_consumed_capacity(&mut members, capacity.as_deref());
    members.finish(OPERATION)?;
    values.check().map_err(|found| fault(OPERATION, found))?;
    let mut request = TransactGetRequest { gets: Vec::with_capacity(named.len()), return_consumed_capacity };
    for (table, key, projection, placeholders) in named {
        let projection =
            read_expressions(service.wording, OPERATION, placeholders, projection.is_some(), |context| {
                projection.as_deref().map(|text| context.projection(text)).transpose()
            })?;
        request.gets.push(TransactGet { table, key: Key::Attributes(key), projection });
    }
    for get in &request.gets {
        service.transients.check_items(OPERATION, &get.table)?;
    }
    let output = service.operations.transact_get(&request, stored_json)?;
    Ok(writer::body(|body| {
        body.array("Responses", &output.items, |item, buffer| {
            write_members(buffer, |object| {
                // A projection that finds nothing shows no item either.
                if let Some(item) = item.as_ref().filter(|item| item.as_slice() != b"{}") {
                    object.member("Item").extend_from_slice(item);
                }
            });
        });
        capacity::write_all(&output.consumed_capacity, body);
    }))
}

/// The forms of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Check,
    Put,
    Update,
    Delete,
}

impl Form {
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "ConditionCheck" => Self::Check,
            "Put" => Self::Put,
            "Update" => Self::Update,
            "Delete" => Self::Delete,
            _ => return None,
        })
    }

    fn member(self) -> &'static str {
        match self {
            Self::Check => "conditionCheck",
            Self::Put => "put",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    fn kind(self) -> WriteKind {
        match self {
            Self::Put => WriteKind::Put,
            Self::Update => WriteKind::Update,
            Self::Check | Self::Delete => WriteKind::Delete,
        }
    }
}

/// One action of a transaction of writes: exactly one form. Of more than one, two are enough to be refused.
fn read_action(reader: &mut Reader<'_>) -> ReadResult<Vec<(Form, WriteMembers)>> {
    let mut forms = Vec::new();
    reader.structure("TransactWriteItem", |reader, name| {
        let form = Form::from_name(name).filter(|_| forms.len() < 2);
        let Some(form) = form else { return reader.skip() };
        let mut members = WriteMembers::default();
        if reader.structure(name, |reader, name| members.read(form.kind(), reader, name))? {
            forms.push((form, members));
        }
        Ok(())
    })?;
    Ok(forms)
}

/// Answers `TransactWriteItems`.
pub(crate) fn write(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    const OPERATION: Operation = Operation::TransactWriteItems;
    let (mut actions, mut token, mut capacity, mut metrics) = (None, None, None, None);
    reader.structure("TransactWriteItemsInput", |reader, name| {
        match name {
            "TransactItems" => {
                actions = reader.list_up_to(limits::TRANSACTION_ACTIONS_MAX, read_action)?;
            }
            "ClientRequestToken" => token = reader.owned()?,
            "ReturnConsumedCapacity" => capacity = reader.owned()?,
            "ReturnItemCollectionMetrics" => metrics = reader.owned()?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    let mut members = Members::default();
    let mut actions: Vec<Vec<(Form, WriteMembers)>> =
        members.present("transactItems", actions).unwrap_or_default();
    members.count("transactItems", Some(&actions), 1, limits::TRANSACTION_ACTIONS_MAX);
    let mut checked = Vec::with_capacity(actions.len());
    for (forms, position) in actions.iter_mut().zip(1..) {
        for (form, action) in forms.iter_mut() {
            let path = |member: &str| format!("transactItems.{position}.member.{}.{member}", form.member());
            let item_member = form.kind().item_member().1;
            members.present(&path(item_member), action.item.as_ref());
            let table = members.table_name(&path("tableName"), action.table.take());
            match form {
                Form::Check => {
                    members.present(&path("conditionExpression"), action.condition.as_ref());
                }
                Form::Update => {
                    members.present(&path("updateExpression"), action.update.as_ref());
                }
                Form::Put | Form::Delete => {}
            }
            let on_failure = choices::on_condition_check_failure(
                &mut members,
                &path("returnValuesOnConditionCheckFailure"),
                action.on_failure.as_deref(),
            );
            checked.push((table, on_failure));
        }
    }
    members.length("clientRequestToken", token.as_deref(), 1, 36);
    let return_consumed_capacity = choices::return_consumed_capacity(&mut members, capacity.as_deref());
    let return_item_collection_metrics =
        choices::return_item_collection_metrics(&mut members, metrics.as_deref());
    members.finish(OPERATION)?;
    let mut request = TransactWriteRequest {
        client_request_token: token,
        return_consumed_capacity,
        return_item_collection_metrics,
        ..TransactWriteRequest::default()
    };
    let mut checked = checked.into_iter();
    for mut forms in actions {
        let twofold = forms.len() > 1;
        let (Some((form, action)), false) = (forms.pop(), twofold) else {
            let found = if twofold { RequestFault::TransactTwofold } else { RequestFault::TransactEmpty };
            return Err(fault(OPERATION, found).into());
        };
        let Some((table, on_failure)) = checked.next() else { continue };
        let options =
            WriteOptions { return_values_on_condition_check_failure: on_failure, ..WriteOptions::default() };
        request.actions.push((table, finish(service.wording, OPERATION, form, action, options)?));
    }
    for (table, _) in &request.actions {
        service.transients.check_items(OPERATION, table)?;
    }
    let output = service.database.transact_write(&request)?;
    Ok(writer::body(|body| {
        capacity::write_all(&output.consumed_capacity, body);
        capacity::write_all_metrics(&output.item_collection_metrics, body);
    }))
}

/// Checks the values and reads the expressions of one action.
fn finish(
    wording: Wording,
    operation: Operation,
    form: Form,
    action: WriteMembers,
    mut options: WriteOptions,
) -> Result<TransactWrite, Error> {
    action.values.check().map_err(|found| fault(operation, found))?;
    let item = action.item.unwrap_or_default();
    item.validate().map_err(|found| fault(operation, found))?;
    let (update, condition) = (action.update.as_deref(), action.condition.as_deref());
    let has_expressions = update.is_some() || condition.is_some();
    let (update, condition) =
        read_expressions(wording, operation, action.placeholders, has_expressions, |context| {
            let update = update.map(|text| context.update(text)).transpose()?;
            Ok((update, condition.map(|text| context.condition(text)).transpose()?))
        })?;
    options.condition = condition;
    let key = || Key::Attributes(item.clone());
    Ok(match form {
        Form::Check => TransactWrite::ConditionCheck { key: key(), options },
        Form::Put => TransactWrite::Put(PutRequest { options, ..PutRequest::new(item) }),
        Form::Update => {
            let update = update.unwrap_or_default();
            TransactWrite::Update(UpdateRequest { options, ..UpdateRequest::new(key(), update) })
        }
        Form::Delete => TransactWrite::Delete(DeleteRequest { options, ..DeleteRequest::new(key()) }),
    })
}
