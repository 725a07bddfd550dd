//! What `UpdateTable` does to a table's record: one change at a time.
//!
//! `parse` says what can be said before the table is looked up, `apply` the rest. A
//! refused update changes nothing: whoever applies it does so to a copy.

use super::arn;
use super::definition::{
    GLOBAL_KEY_ELEMENTS_MAX, check_billing, check_index_billing, definitions_members, global_index,
};
use super::members::Members;
use super::record::{GlobalIndexRecord, IndexStatus, TableRecord};
use super::request::{
    GlobalIndexUpdate, IndexRequest, IndexThroughputUpdate, StreamSpecification, UpdateTableRequest,
    definitions,
};
use super::settings::{ActiveStream, BillingMode, ProvisionedThroughput, ThroughputState};
use crate::base::ident::{KeyspaceId, SeqNo};
use crate::dynamo::fault::{Fault, IndexScope, MemberFault};
use crate::dynamo::limits;
use crate::dynamo::table_fault::TableFault;
use std::collections::BTreeSet;

/// A change of a table that makes sense by itself.
#[derive(Clone, Debug)]
pub(in crate::dynamo) struct TableUpdate {
    request: UpdateTableRequest,
    index_actions: Vec<IndexAction>,
}

#[derive(Clone, Debug)]
enum IndexAction {
    Create(IndexRequest),
    Update(IndexThroughputUpdate),
    Delete(String),
}

impl IndexAction {
    fn index(&self) -> &str {
        match self {
            Self::Create(index) => &index.index_name,
            Self::Update(index) => &index.index_name,
            Self::Delete(index) => index,
        }
    }

    fn is_online(&self) -> bool {
        matches!(self, Self::Create(_) | Self::Delete(_))
    }
}

impl TableUpdate {
    /// Checks a request by itself.
    pub(in crate::dynamo) fn parse(mut request: UpdateTableRequest) -> Result<Self, Fault> {
        request.table_name = arn::table_name(&request.table_name)?.to_owned();
        members(&request).finish()?;
        check_alone(&request)?;
        let updates = std::mem::take(&mut request.global_secondary_index_updates);
        let index_actions = index_actions(updates)?;
        let online = index_actions.iter().filter(|action| action.is_online()).count();
        if online > 0 && (request.provisioned_throughput.is_some() || request.billing_mode.is_some()) {
            return Err(TableFault::IndexWithThroughput.into());
        }
        if online > 0 && request.stream_specification.is_some() {
            return Err(TableFault::IndexWithStream.into());
        }
        if online > 1 {
            return Err(TableFault::IndexChangesAtOnce.into());
        }
        if let Some(mode) = request.billing_mode {
            check_billing(mode, request.provisioned_throughput)?;
        }
        match request.stream_specification {
            Some(StreamSpecification { stream_enabled: true, stream_view_type: None }) => {
                return Err(TableFault::StreamEnabledWithoutViewType.into());
            }
            Some(StreamSpecification { stream_enabled: false, stream_view_type: Some(_) }) => {
                return Err(TableFault::StreamDisablingWithViewType.into());
            }
            _ => {}
        }
        Ok(Self { request, index_actions })
    }

    /// The table that is to be changed.
    pub(in crate::dynamo) fn table_name(&self) -> &str {
        &self.request.table_name
    }

    /// Whether an index is to be made.
    pub(in crate::dynamo) fn makes_index(&self) -> bool {
        self.index_actions.iter().any(|action| matches!(action, IndexAction::Create(_)))
    }

    /// Whether something is to be made that needs a keyspace: an index, or a stream. Both at once are refused.
    pub(in crate::dynamo) fn needs_keyspace(&self) -> bool {
        self.makes_index() || self.request.stream_specification.is_some_and(|stream| stream.stream_enabled)
    }

    /// Changes the record. An index or a stream that is made gets the keyspace `free`. `after` is a commit before the
    /// one that makes the change.
    pub(in crate::dynamo) fn apply(
        &self,
        record: &mut TableRecord,
        free: KeyspaceId,
        after: SeqNo,
        now_millis: u64,
    ) -> Result<(), Fault> {
        self.change_throughput(record, now_millis)?;
        for action in &self.index_actions {
            match action {
                IndexAction::Create(index) => self.create_index(record, index, free)?,
                IndexAction::Delete(index) => delete_index(record, index)?,
                IndexAction::Update(_) => {}
            }
        }
        let request = &self.request;
        if let Some(stream) = request.stream_specification {
            let active = stream.stream_view_type.map(|view_type| ActiveStream {
                view_type,
                keyspace: free,
                began_after: after,
            });
            change_stream(record, active, now_millis)?;
        }
        let settings = &mut record.settings;
        if let Some(class) = request.table_class {
            settings.table_class = Some(class);
            settings.table_class_changed_at_millis = Some(now_millis);
        }
        if let Some(sse) = &request.sse_specification {
            settings.sse = Some(sse.clone());
        }
        if let Some(protection) = request.deletion_protection_enabled {
            settings.deletion_protection = protection;
        }
        if let Some(throughput) = request.on_demand_throughput {
            settings.on_demand_throughput = Some(throughput);
        }
        Ok(())
    }

    fn throughput_updates(&self) -> impl Iterator<Item = &IndexThroughputUpdate> {
        self.index_actions.iter().filter_map(|action| match action {
            IndexAction::Update(update) => Some(update),
            IndexAction::Create(_) | IndexAction::Delete(_) => None,
        })
    }

    /// Billing and throughput, of the table and of its indexes.
    fn change_throughput(&self, record: &mut TableRecord, now_millis: u64) -> Result<(), Fault> {
        let old_mode = record.settings.billing_mode;
        let mode = self.request.billing_mode.unwrap_or(old_mode);
        let is_switched = mode != old_mode;
        for update in self.throughput_updates() {
            find_global(record, &update.index_name)?;
        }
        if mode == BillingMode::Provisioned && is_switched {
            for index in record.schema.global_indexes() {
                let update = self.throughput_updates().find(|update| update.index_name == index.name());
                let units = update.and_then(|update| update.provisioned_throughput);
                check_index_billing(mode, index.name(), units)?;
            }
        }
        if let Some(units) = self.request.provisioned_throughput {
            check_billing(mode, Some(units))?;
            if is_switched {
                record.settings.throughput.units = units;
            } else {
                // The same units are told to be the same, unless something else of the request changes.
                let alone = self.throughput_updates().next().is_none();
                change_units(&mut record.settings.throughput, units, None, alone, now_millis)?;
            }
        }
        for update in self.throughput_updates() {
            let index = find_global(record, &update.index_name)?;
            if let Some(units) = update.provisioned_throughput {
                check_index_billing(mode, &update.index_name, Some(units))?;
                let name = Some(update.index_name.as_str());
                change_units(&mut index.throughput, units, name, !is_switched, now_millis)?;
            }
            if let Some(throughput) = update.on_demand_throughput {
                index.on_demand_throughput = Some(throughput);
            }
        }
        if mode == BillingMode::PayPerRequest && is_switched {
            record.settings.last_on_demand_millis = Some(now_millis);
            record.settings.throughput.units = ProvisionedThroughput::default();
            for index in &mut record.global_indexes {
                index.throughput.units = ProvisionedThroughput::default();
            }
        }
        record.settings.billing_mode = mode;
        Ok(())
    }

    fn create_index(
        &self,
        record: &mut TableRecord,
        request: &IndexRequest,
        free: KeyspaceId,
    ) -> Result<(), Fault> {
        let name = &request.index_name;
        if record.schema.index_scope(name).is_some() {
            return Err(TableFault::IndexExists.into());
        }
        check_no_online(record, name)?;
        if record.schema.global_indexes().len() >= limits::GLOBAL_INDEXES_MAX {
            return Err(TableFault::TooManyIndexes.into());
        }
        check_index_billing(record.settings.billing_mode, name, request.provisioned_throughput)?;
        if self.request.attribute_definitions.is_empty() {
            return Err(TableFault::IndexWithoutDefinitions { index: name.clone() }.into());
        }
        // What is defined already need not be defined again; if it is, it must be the same.
        let mut known = self.request.attribute_definitions.clone();
        for definition in definitions(&record.schema) {
            if known.iter().all(|given| given.attribute_name != definition.attribute_name) {
                known.push(definition);
            }
        }
        record.schema.add_global_index(global_index(request, &known)?)?;
        record.schema.check_whole()?;
        record.global_indexes.push(GlobalIndexRecord {
            keyspace: free,
            status: IndexStatus::Creating,
            throughput: ThroughputState::new(request.provisioned_throughput),
            on_demand_throughput: request.on_demand_throughput,
        });
        Ok(())
    }
}

impl UpdateTableRequest {
    /// The members that break their constraints, each by itself: for whoever finds by himself what is wrong with others,
    /// and tells all together.
    pub fn member_faults(&self) -> Vec<MemberFault> {
        members(self).into_faults()
    }
}

fn members(request: &UpdateTableRequest) -> Members {
    let mut members = Members::default();
    definitions_members(&mut members, &request.attribute_definitions);
    members.resource_name("tableName", &request.table_name);
    members.throughput("provisionedThroughput", request.provisioned_throughput);
    for (update, position) in request.global_secondary_index_updates.iter().zip(1..) {
        let member = format!("globalSecondaryIndexUpdates.{position}.member");
        if let Some(update) = &update.update {
            members.resource_name(&format!("{member}.update.indexName"), &update.index_name);
            let member = format!("{member}.update.provisionedThroughput");
            members.throughput(&member, update.provisioned_throughput);
        }
        if let Some(index) = &update.create {
            members.index(&format!("{member}.create"), index, GLOBAL_KEY_ELEMENTS_MAX);
        }
        if let Some(name) = &update.delete {
            members.resource_name(&format!("{member}.delete.indexName"), name);
        }
    }
    members
}

/// Refuses a request that asks for nothing, or for more than goes together.
fn check_alone(request: &UpdateTableRequest) -> Result<(), Fault> {
    let changes = [
        (request.deletion_protection_enabled.is_some(), Some("DeletionProtection")),
        (request.sse_specification.is_some(), Some("SSE")),
        (request.table_class.is_some(), Some("TableClass")),
        (request.billing_mode.is_some(), None),
        (request.provisioned_throughput.is_some(), None),
        (request.on_demand_throughput.is_some(), None),
        (!request.global_secondary_index_updates.is_empty(), None),
        (request.stream_specification.is_some(), None),
    ];
    let asked: Vec<_> = changes.iter().filter(|(is_asked, _)| *is_asked).collect();
    if asked.is_empty() {
        return Err(TableFault::UpdateEmpty.into());
    }
    match asked.iter().find_map(|(_, alone)| *alone) {
        Some(change) if asked.len() > 1 => Err(TableFault::UpdateNotAlone { change }.into()),
        _ => Ok(()),
    }
}

fn index_actions(updates: Vec<GlobalIndexUpdate>) -> Result<Vec<IndexAction>, Fault> {
    let mut actions = Vec::with_capacity(updates.len());
    for update in updates {
        actions.push(match (update.create, update.update, update.delete) {
            (Some(index), None, None) => IndexAction::Create(index),
            (None, Some(index), None) => IndexAction::Update(index),
            (None, None, Some(index)) => IndexAction::Delete(index),
            (None, None, None) => return Err(TableFault::IndexUpdateEmpty.into()),
            _ => return Err(TableFault::IndexUpdateTwofold.into()),
        });
    }
    let mut seen = BTreeSet::new();
    for action in &actions {
        if !seen.insert(action.index()) {
            return Err(TableFault::IndexUpdateRepeated { index: action.index().to_owned() }.into());
        }
    }
    Ok(actions)
}

/// The global index of that name that is not being dropped.
fn find_global<'a>(record: &'a mut TableRecord, name: &str) -> Result<&'a mut GlobalIndexRecord, Fault> {
    let missing =
        || TableFault::IndexMissing { index: name.to_owned(), table: record.schema.name().to_owned() };
    let position = record.global_index_position(name).ok_or_else(missing)?;
    Ok(&mut record.global_indexes[position])
}

/// Refuses to make or drop an index while another one is being made or dropped.
fn check_no_online(record: &TableRecord, name: &str) -> Result<(), Fault> {
    let others = record.schema.global_indexes().iter().zip(&record.global_indexes);
    let mut others = others.filter(|(index, _)| index.name() != name);
    if others.any(|(_, index)| index.status != IndexStatus::Active) {
        return Err(TableFault::IndexChangesAtOnce.into());
    }
    Ok(())
}

fn delete_index(record: &mut TableRecord, name: &str) -> Result<(), Fault> {
    if record.schema.index_scope(name) == Some(IndexScope::Local) {
        return Err(TableFault::IndexNotGlobal { index: name.to_owned() }.into());
    }
    if find_global(record, name)?.status == IndexStatus::Deleting {
        return Err(TableFault::IndexChangesAtOnce.into());
    }
    check_no_online(record, name)?;
    find_global(record, name)?.status = IndexStatus::Deleting;
    Ok(())
}

fn change_units(
    throughput: &mut ThroughputState,
    units: ProvisionedThroughput,
    index: Option<&str>,
    must_differ: bool,
    now_millis: u64,
) -> Result<(), Fault> {
    if must_differ && throughput.units == units {
        return Err(TableFault::ThroughputUnchanged {
            index: index.map(str::to_owned),
            read_capacity_units: units.read_capacity_units,
            write_capacity_units: units.write_capacity_units,
        }
        .into());
    }
    throughput.change(units, now_millis);
    Ok(())
}

/// Begins a stream, or ends the one that there is.
fn change_stream(
    record: &mut TableRecord,
    begun: Option<ActiveStream>,
    now_millis: u64,
) -> Result<(), Fault> {
    let table = || record.schema.name().to_owned();
    let is_enabled = record.settings.stream.active.is_some();
    match begun {
        Some(_) if is_enabled => return Err(TableFault::StreamEnabled { table: table() }.into()),
        Some(stream) => record.settings.stream.begin(stream, now_millis),
        None if is_enabled => record.settings.stream.active = None,
        None => return Err(TableFault::StreamMissing { table: table() }.into()),
    }
    Ok(())
}
