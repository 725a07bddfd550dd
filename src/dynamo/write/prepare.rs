//! From a request to what is to become of one item.
//!
//! The steps, in DynamoDB's order: `check` finds what is wrong whatever the table is: parameters that do not go together,
//! then values, then expressions. `prepare` finds what is wrong with this table: its key, its indexes, the item's size.

use super::legacy::Legacy;
use super::request::{DeleteRequest, PutRequest, ReturnValues, UpdateRequest, WriteOptions};
use crate::base::codec::DecodeError;
use crate::base::ident::CommitTime;
use crate::dynamo::encoding;
use crate::dynamo::error::{Error, Result};
use crate::dynamo::expiry::ItemExpiry;
use crate::dynamo::expression::fault::ExpressionKind;
use crate::dynamo::expression::tree::{SetOperand, SetValue, Update, UpdateAction};
use crate::dynamo::fault::{Fault, Operation};
use crate::dynamo::index::{self, IndexEntry, Touched};
use crate::dynamo::item_fault::WriteFault;
use crate::dynamo::item_key::{self, Key};
use crate::dynamo::legacy::fault::LegacyFault;
use crate::dynamo::stored::StoredItem;
use crate::dynamo::table::TableDescriptor;
use crate::dynamo::value::Item;

/// What is to become of one item.
#[derive(Debug)]
pub(in crate::dynamo) struct ItemWrite<'a> {
    /// The engine's key of the item.
    pub(in crate::dynamo) key: Vec<u8>,
    pub(in crate::dynamo) change: Change<'a>,
    pub(in crate::dynamo) options: &'a WriteOptions,
}

#[derive(Debug)]
pub(in crate::dynamo) enum Change<'a> {
    /// The item's stored form, when it expires, and its index entries.
    Put { value: Vec<u8>, expiry: ItemExpiry, entries: Vec<Option<IndexEntry>> },
    /// The changes, what said them, and the attributes that an item made by them begins with.
    Update { update: &'a Update, said_by: UpdateSource, key: Item },
    /// The item goes.
    Delete,
    /// The item stays: only the condition counts.
    Check,
}

/// What has said how an item is changed: an item that cannot be changed so is refused in other words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dynamo) enum UpdateSource {
    Expression,
    /// `AttributeUpdates`.
    Legacy,
}

/// A request that is right whatever the table is, and says everything by trees.
#[derive(Debug)]
pub(in crate::dynamo) enum Checked<'a> {
    /// As it was given.
    Given(Request<'a>),
    /// A put that had legacy parameters.
    Put(PutRequest),
    /// An update that had legacy parameters. It still has them, which tells where its trees come from.
    Update(UpdateRequest),
    /// A delete that had legacy parameters.
    Delete(DeleteRequest),
}

impl Checked<'_> {
    pub(in crate::dynamo) fn as_request(&self) -> Request<'_> {
        match self {
            Self::Given(request) => *request,
            Self::Put(request) => Request::Put(request),
            Self::Update(request) => Request::Update(request),
            Self::Delete(request) => Request::Delete(request),
        }
    }
}

/// A request to write one item.
#[derive(Clone, Copy, Debug)]
pub(in crate::dynamo) enum Request<'a> {
    /// Writes it whole.
    Put(&'a PutRequest),
    /// Changes attributes of it.
    Update(&'a UpdateRequest),
    /// Removes it.
    Delete(&'a DeleteRequest),
    /// Leaves it as it is: only the condition, which the options have, counts.
    Check {
        /// Its key.
        key: &'a Key,
        /// What else is asked for.
        options: &'a WriteOptions,
    },
}

impl ItemWrite<'_> {
    /// What the request sends of the item, as it counts against the size of a batch or transaction: of a put the item,
    /// of an update its key, paths and constants.
    pub(in crate::dynamo) fn size_bytes(&self) -> Result<usize, DecodeError> {
        Ok(match &self.change {
            Change::Put { value, .. } => StoredItem::parse(value)?.size_bytes()?,
            Change::Update { update, key, .. } => key.size_bytes() + update_size_bytes(update),
            Change::Delete | Change::Check => self.key.len(),
        })
    }
}

fn update_size_bytes(update: &Update) -> usize {
    fn of_operand(operand: &SetOperand) -> usize {
        match operand {
            SetOperand::Path(path) => path.root().len(),
            SetOperand::Value(constant) => constant.value().size_bytes(),
            SetOperand::IfNotExists { path, default } => path.root().len() + of_operand(default),
            SetOperand::ListAppend(front, back) => of_operand(front) + of_operand(back),
        }
    }
    let of_action = |action: &UpdateAction| {
        let value = match action {
            UpdateAction::Set { value: SetValue::Operand(operand), .. } => of_operand(operand),
            UpdateAction::Set {
                value: SetValue::Sum(left, right) | SetValue::Difference(left, right),
                ..
            } => of_operand(left) + of_operand(right),
            UpdateAction::Remove(_) => 0,
            UpdateAction::Add { value, .. }
            | UpdateAction::Delete { value, .. }
            | UpdateAction::LegacyAdd { value, .. } => value.value().size_bytes(),
        };
        action.path().root().len() + value
    };
    update.actions.iter().map(of_action).sum()
}

impl<'a> Request<'a> {
    /// What any write can ask for.
    pub(in crate::dynamo) fn options(self) -> &'a WriteOptions {
        match self {
            Self::Put(request) => &request.options,
            Self::Update(request) => &request.options,
            Self::Delete(request) => &request.options,
            Self::Check { options, .. } => options,
        }
    }

    /// What the request says of the item's key attributes, and perhaps of others.
    pub(in crate::dynamo) fn key_attributes(self, table: &TableDescriptor) -> Item {
        let schema = table.schema().key();
        match self {
            Self::Put(request) => request.item.clone(),
            Self::Update(request) => request.key.to_attributes(schema),
            Self::Delete(request) => request.key.to_attributes(schema),
            Self::Check { key, .. } => key.to_attributes(schema),
        }
    }

    /// Whether the request has parameters that expressions have replaced.
    pub(super) fn has_legacy(self) -> bool {
        match self {
            Self::Put(request) => request.legacy.is_some(),
            Self::Update(request) => request.legacy.is_some(),
            Self::Delete(request) => request.legacy.is_some(),
            Self::Check { .. } => false,
        }
    }

    /// Refuses what is wrong whatever the table is, and has legacy parameters said by trees.
    pub(in crate::dynamo) fn check(self) -> Result<Checked<'a>, Fault> {
        if let Self::Put(PutRequest { options, .. }) | Self::Delete(DeleteRequest { options, .. }) = self {
            check_return_values(options.return_values)?;
        }
        let legacy = match self {
            Self::Put(request) => Legacy::of_put(request),
            Self::Update(request) => Legacy::of_update(request),
            Self::Delete(request) => Legacy::of_delete(request),
            Self::Check { .. } => None,
        };
        if let Some(legacy) = &legacy {
            legacy.check()?;
        }
        match self {
            Self::Put(request) => request.item.validate()?,
            Self::Update(request) => request.key.validate()?,
            Self::Delete(request) => request.key.validate()?,
            Self::Check { key, .. } => key.validate()?,
        }
        if let Self::Update(UpdateRequest { update, .. }) = self
            && !update.actions.is_empty()
        {
            update.check()?;
        }
        if let Some(condition) = &self.options().condition {
            condition.check(ExpressionKind::Condition)?;
        }
        match legacy {
            None => Ok(Checked::Given(self)),
            Some(legacy) => Ok(self.translated(&legacy)?),
        }
    }

    /// The same request with the trees that its legacy parameters are.
    fn translated(self, legacy: &Legacy<'_>) -> Result<Checked<'a>, LegacyFault> {
        let update = legacy.update()?;
        let condition = legacy.condition()?;
        Ok(match self {
            Self::Check { .. } => Checked::Given(self),
            Self::Put(request) => {
                let mut request = request.clone();
                request.options.condition = condition.or(request.options.condition);
                Checked::Put(request)
            }
            Self::Update(request) => {
                let mut request = request.clone();
                request.options.condition = condition.or(request.options.condition);
                request.update = update.unwrap_or(request.update);
                Checked::Update(request)
            }
            Self::Delete(request) => {
                let mut request = request.clone();
                request.options.condition = condition.or(request.options.condition);
                Checked::Delete(request)
            }
        })
    }

    /// Refuses what does not fit the table, and says what is to become of the item if it is written `now`.
    pub(in crate::dynamo) fn prepare(
        self,
        operation: Operation,
        table: &TableDescriptor,
        now: CommitTime,
    ) -> Result<ItemWrite<'a>> {
        let fault = |fault| Error::new(operation, fault);
        let options = self.options();
        let (key, change) = match self {
            Self::Put(request) => return prepare_put(operation, table, request, now),
            Self::Update(request) => {
                let key = item_key::of_request(table, &request.key).map_err(fault)?;
                check_targets(table, &request.update).map_err(fault)?;
                let attributes = request.key.to_attributes(table.schema().key());
                let legacy = request.legacy.as_deref();
                let said_by = match legacy.and_then(|legacy| legacy.attribute_updates.as_ref()) {
                    Some(_) => UpdateSource::Legacy,
                    None => UpdateSource::Expression,
                };
                (key, Change::Update { update: &request.update, said_by, key: attributes })
            }
            Self::Delete(request) => {
                (item_key::of_request(table, &request.key).map_err(fault)?, Change::Delete)
            }
            Self::Check { key, .. } => (item_key::of_request(table, key).map_err(fault)?, Change::Check),
        };
        Ok(ItemWrite { key, change, options })
    }
}

fn check_return_values(return_values: ReturnValues) -> Result<(), Fault> {
    match return_values {
        ReturnValues::None | ReturnValues::AllOld => Ok(()),
        _ => Err(WriteFault::ReturnValues.into()),
    }
}

/// First the table's key, then the indexes and the size.
fn prepare_put<'a>(
    operation: Operation,
    table: &TableDescriptor,
    request: &'a PutRequest,
    now: CommitTime,
) -> Result<ItemWrite<'a>> {
    let fault = |fault| Error::new(operation, fault);
    let damaged = |error| Error::damaged("item", error);
    let item = &request.item;
    let key = match operation {
        // A batch says of items, too, that their key does not fit.
        Operation::BatchWriteItem => item_key::of_item(table, item).map_err(|found| match found {
            Fault::KeyAttributeMissing { .. } | Fault::KeyTypeMismatch { .. } => fault(Fault::KeyShape),
            other => fault(other),
        }),
        _ => item_key::of_item(table, item).map_err(fault),
    }?;
    let mut value = Vec::new();
    encoding::encode_item(item, &mut value);
    let stored = StoredItem::parse(&value).map_err(damaged)?;
    let expiry = ItemExpiry::of_item(table, &stored, now).map_err(damaged)?;
    let entries = index::entries(table, &key, &stored, expiry.expiry, Touched::All);
    let entries = entries.map_err(|error| error.into_error(operation))?;
    Ok(ItemWrite { key, change: Change::Put { value, expiry, entries }, options: &request.options })
}

/// Refuses an update of the key's own attributes, and of what lies inside an index's.
fn check_targets(table: &TableDescriptor, update: &Update) -> Result<(), Fault> {
    for action in &update.actions {
        let (root, depth) = (action.path().root(), action.path().depth());
        if table.schema().key().contains(root) {
            return Err(WriteFault::KeyUpdated { attribute: root.to_owned() }.into());
        }
        if depth > 1 && table.indexes().iter().any(|index| index.key().contains(root)) {
            return Err(WriteFault::IndexKeyPath { attribute: root.to_owned() }.into());
        }
    }
    Ok(())
}
