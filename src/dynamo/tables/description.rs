//! What DynamoDB tells of a table, in its shapes. Pure: a function of the catalog's record.
//!
//! What does not apply is absent. Counts of items are those of the last time that they were counted.

use super::arn;
use super::count::TableCount;
use super::record::{GlobalIndexRecord, IndexStatus, TableRecord};
use super::request::{
    AttributeDefinition, KeySchemaElement, ProjectionRequest, StreamSpecification, definitions, elements,
};
use super::settings::{
    ActiveTimeToLive, BillingMode, OnDemandThroughput, ProvisionedThroughput, SseSpecification, TableClass,
    ThroughputState, TimeToLiveStatus,
};
use crate::dynamo::limits;
use crate::dynamo::schema::{KeySchema, Projection};

/// How far a table, or an index, has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResourceStatus {
    /// It is being made.
    Creating,
    /// It is there.
    Active,
    /// It is being changed.
    Updating,
    /// It is being removed.
    Deleting,
}

impl ResourceStatus {
    /// As DynamoDB writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::Active => "ACTIVE",
            Self::Updating => "UPDATING",
            Self::Deleting => "DELETING",
        }
    }
}

/// What a table or an index is provisioned for, and how that changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProvisionedThroughputDescription {
    /// Reads of 4 KB a second.
    pub read_capacity_units: i64,
    /// Writes of 1 KB a second.
    pub write_capacity_units: i64,
    /// How often it was lowered today, by UTC.
    pub number_of_decreases_today: u64,
    /// When it was last raised, in milliseconds since 1970.
    pub last_increase_millis: Option<u64>,
    /// When it was last lowered, in milliseconds since 1970.
    pub last_decrease_millis: Option<u64>,
}

/// How a table is billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BillingModeSummary {
    /// How.
    pub billing_mode: BillingMode,
    /// When it was last switched to be billed by request, in milliseconds since 1970.
    pub last_on_demand_millis: Option<u64>,
}

/// What a table or an index is ready for at once, in units a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WarmThroughput {
    /// Reads of 4 KB.
    pub read_units: i64,
    /// Writes of 1 KB.
    pub write_units: i64,
}

/// Which class a table is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableClassSummary {
    /// The class.
    pub table_class: TableClass,
    /// When it last changed, in milliseconds since 1970.
    pub changed_at_millis: Option<u64>,
}

/// What is told of an index. Of a local one status and throughput are absent.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexDescription {
    /// Its name.
    pub index_name: String,
    /// Its long name.
    pub index_arn: String,
    /// Its key.
    pub key_schema: Vec<KeySchemaElement>,
    /// What it holds beside the keys, names in order.
    pub projection: ProjectionRequest,
    /// How far it has come.
    pub index_status: Option<ResourceStatus>,
    /// Whether it still lacks entries of older items; told while it is being made.
    pub backfilling: Option<bool>,
    /// What it is provisioned for.
    pub provisioned_throughput: Option<ProvisionedThroughputDescription>,
    /// The most that it takes on demand.
    pub on_demand_throughput: Option<OnDemandThroughput>,
    /// What it is ready for at once.
    pub warm_throughput: Option<WarmThroughput>,
    /// How many entries it had when they were last counted; 0 before.
    pub item_count: u64,
    /// How large they were together, in bytes.
    pub index_size_bytes: u64,
}

/// What is told of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct TableDescription {
    /// Its name.
    pub table_name: String,
    /// Its identity, a UUID: new for every incarnation.
    pub table_id: String,
    /// Its long name.
    pub table_arn: String,
    /// How far it has come.
    pub table_status: ResourceStatus,
    /// When it was made, in milliseconds since 1970.
    pub created_at_millis: Option<u64>,
    /// Its key. Empty if the table is being deleted.
    pub key_schema: Vec<KeySchemaElement>,
    /// The types of all key attributes, in the order of their names. Empty if the table is being deleted.
    pub attribute_definitions: Vec<AttributeDefinition>,
    /// The local indexes; the list is absent if it is empty.
    pub local_secondary_indexes: Vec<IndexDescription>,
    /// The global indexes; the list is absent if it is empty.
    pub global_secondary_indexes: Vec<IndexDescription>,
    /// What it is provisioned for: nothing, on demand.
    pub provisioned_throughput: ProvisionedThroughputDescription,
    /// How it is billed; absent if it was provisioned from the beginning.
    pub billing_mode_summary: Option<BillingModeSummary>,
    /// The most that it takes on demand.
    pub on_demand_throughput: Option<OnDemandThroughput>,
    /// What it is ready for at once.
    pub warm_throughput: Option<WarmThroughput>,
    /// Its stream, if it has one.
    pub stream_specification: Option<StreamSpecification>,
    /// The label of its last stream.
    pub latest_stream_label: Option<String>,
    /// The long name of its last stream.
    pub latest_stream_arn: Option<String>,
    /// How it is encrypted, if a key of the user's was asked for.
    pub sse: Option<SseSpecification>,
    /// Which class it is of, if that was ever said.
    pub table_class_summary: Option<TableClassSummary>,
    /// Whether it cannot be deleted.
    pub deletion_protection_enabled: bool,
    /// How many items it had when they were last counted, which may be six hours ago and more; 0 before.
    pub item_count: u64,
    /// How large they were together, in bytes, the indexes apart.
    pub table_size_bytes: u64,
}

impl TableDescription {
    /// The answer to `DescribeTable`.
    pub fn of(record: &TableRecord, now_millis: u64) -> Self {
        let table_name = record.schema.name().to_owned();
        let settings = &record.settings;
        let stream_label = settings.stream.label();
        Self {
            table_id: record.id.to_string(),
            table_arn: arn::of_table(&table_name),
            table_status: status(record),
            created_at_millis: Some(record.created_at_millis),
            key_schema: elements(record.schema.key()),
            attribute_definitions: definitions(&record.schema),
            local_secondary_indexes: local_indexes(record),
            global_secondary_indexes: global_indexes(record, now_millis),
            provisioned_throughput: throughput(&settings.throughput, now_millis),
            billing_mode_summary: settings.last_on_demand_millis.map(|_| BillingModeSummary {
                billing_mode: settings.billing_mode,
                last_on_demand_millis: settings.last_on_demand_millis,
            }),
            on_demand_throughput: settings.on_demand_throughput,
            warm_throughput: Some(warm(settings.billing_mode, settings.throughput.units)),
            stream_specification: settings.stream.active.map(|stream| StreamSpecification {
                stream_enabled: true,
                stream_view_type: Some(stream.view_type),
            }),
            latest_stream_arn: stream_label.as_ref().map(|label| arn::of_stream(&table_name, label)),
            latest_stream_label: stream_label,
            sse: settings.sse.clone().filter(|sse| sse.enabled),
            table_class_summary: settings.table_class.map(|table_class| TableClassSummary {
                table_class,
                changed_at_millis: settings.table_class_changed_at_millis,
            }),
            deletion_protection_enabled: settings.deletion_protection,
            item_count: 0,
            table_size_bytes: 0,
            table_name,
        }
    }

    /// The same with what was counted.
    pub fn with_count(mut self, record: &TableRecord, count: &TableCount) -> Self {
        let table = count.of(record.keyspace);
        (self.item_count, self.table_size_bytes) = (table.items, table.size_bytes);
        let local = self.local_secondary_indexes.iter_mut().zip(record.local_keyspaces.iter().copied());
        let global = record.global_indexes.iter().map(|index| index.keyspace);
        let global = self.global_secondary_indexes.iter_mut().zip(global);
        for (index, keyspace) in local.chain(global) {
            let tally = count.of(keyspace);
            (index.item_count, index.index_size_bytes) = (tally.items, tally.size_bytes);
        }
        self
    }

    /// The answer to `CreateTable`: the table is there at once, but a client expects to wait for it.
    pub fn of_created(record: &TableRecord, now_millis: u64) -> Self {
        let mut description = Self::of(record, now_millis);
        description.table_status = ResourceStatus::Creating;
        description.warm_throughput = None;
        if let Some(summary) = &mut description.billing_mode_summary {
            summary.last_on_demand_millis = None;
        }
        for index in &mut description.global_secondary_indexes {
            index.index_status = Some(ResourceStatus::Creating);
            index.warm_throughput = None;
        }
        description
    }

    /// The answer to `UpdateTable`: what `old` was, that it is being changed to `next`, and what comes and goes by that:
    /// an index, a stream.
    pub fn of_updating(old: &TableRecord, next: &TableRecord, now_millis: u64) -> Self {
        let mut description = Self { table_status: ResourceStatus::Updating, ..Self::of(old, now_millis) };
        let next = Self::of(next, now_millis);
        for index in next.global_secondary_indexes {
            let indexes = &mut description.global_secondary_indexes;
            if let Some(before) = indexes.iter_mut().find(|before| before.index_name == index.index_name) {
                before.index_status = index.index_status;
            } else {
                let backfilling = index.backfilling.map(|_| false);
                indexes.push(IndexDescription { backfilling, ..index });
                description.attribute_definitions.clone_from(&next.attribute_definitions);
            }
        }
        if description.stream_specification.is_none() && next.stream_specification.is_some() {
            description.stream_specification = next.stream_specification;
            description.latest_stream_label = next.latest_stream_label;
            description.latest_stream_arn = next.latest_stream_arn;
        }
        description
    }

    /// The answer to `DeleteTable`.
    pub fn of_deleting(record: &TableRecord, now_millis: u64) -> Self {
        Self {
            table_status: ResourceStatus::Deleting,
            created_at_millis: None,
            key_schema: Vec::new(),
            attribute_definitions: Vec::new(),
            local_secondary_indexes: Vec::new(),
            global_secondary_indexes: Vec::new(),
            warm_throughput: None,
            stream_specification: None,
            ..Self::of(record, now_millis)
        }
    }
}

fn status(record: &TableRecord) -> ResourceStatus {
    let is_active = |index: &GlobalIndexRecord| index.status == IndexStatus::Active;
    if record.global_indexes.iter().all(is_active) {
        ResourceStatus::Active
    } else {
        ResourceStatus::Updating
    }
}

fn local_indexes(record: &TableRecord) -> Vec<IndexDescription> {
    let table = record.schema.name();
    let indexes = record.schema.local_indexes().iter();
    indexes.map(|index| index_description(table, index.name(), index.key(), index.projection())).collect()
}

fn global_indexes(record: &TableRecord, now_millis: u64) -> Vec<IndexDescription> {
    let mode = record.settings.billing_mode;
    let indexes = record.schema.global_indexes().iter().zip(&record.global_indexes);
    let describe = indexes.map(|(index, kept)| IndexDescription {
        index_status: Some(match kept.status {
            IndexStatus::Creating => ResourceStatus::Creating,
            IndexStatus::Active => ResourceStatus::Active,
            IndexStatus::Deleting => ResourceStatus::Deleting,
        }),
        backfilling: (kept.status == IndexStatus::Creating).then_some(true),
        provisioned_throughput: Some(throughput(&kept.throughput, now_millis)),
        on_demand_throughput: kept.on_demand_throughput,
        warm_throughput: Some(warm(mode, kept.throughput.units)),
        ..index_description(record.schema.name(), index.name(), index.key(), index.projection())
    });
    describe.collect()
}

fn index_description(table: &str, name: &str, key: &KeySchema, projection: &Projection) -> IndexDescription {
    IndexDescription {
        index_name: name.to_owned(),
        index_arn: arn::of_index(table, name),
        key_schema: elements(key),
        projection: projection.into(),
        index_status: None,
        backfilling: None,
        provisioned_throughput: None,
        on_demand_throughput: None,
        warm_throughput: None,
        item_count: 0,
        index_size_bytes: 0,
    }
}

fn throughput(state: &ThroughputState, now_millis: u64) -> ProvisionedThroughputDescription {
    ProvisionedThroughputDescription {
        read_capacity_units: state.units.read_capacity_units,
        write_capacity_units: state.units.write_capacity_units,
        number_of_decreases_today: state.decreases_today(now_millis),
        last_increase_millis: state.last_increase_millis,
        last_decrease_millis: state.last_decrease_millis,
    }
}

fn warm(mode: BillingMode, units: ProvisionedThroughput) -> WarmThroughput {
    match mode {
        BillingMode::PayPerRequest => {
            WarmThroughput { read_units: limits::WARM_READ_UNITS, write_units: limits::WARM_WRITE_UNITS }
        }
        BillingMode::Provisioned => {
            WarmThroughput { read_units: units.read_capacity_units, write_units: units.write_capacity_units }
        }
    }
}

/// By which attribute items expire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeToLiveDescription {
    /// By none.
    Disabled,
    /// By this one, once all items that were there before are known to.
    Enabling {
        /// Its name.
        attribute_name: String,
    },
    /// By this one.
    Enabled {
        /// Its name.
        attribute_name: String,
    },
}

impl TimeToLiveDescription {
    /// The answer to `DescribeTimeToLive`.
    pub fn of(record: &TableRecord) -> Self {
        match &record.settings.time_to_live.active {
            None => Self::Disabled,
            Some(ActiveTimeToLive { attribute, status, .. }) => {
                let attribute_name = attribute.clone();
                match status {
                    TimeToLiveStatus::Enabling => Self::Enabling { attribute_name },
                    TimeToLiveStatus::Enabled => Self::Enabled { attribute_name },
                }
            }
        }
    }
}

/// The quotas of the account, which nothing here enforces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitsDescription {
    /// Read capacity units of all tables.
    pub account_max_read_capacity_units: i64,
    /// Write capacity units of all tables.
    pub account_max_write_capacity_units: i64,
    /// Read capacity units of one table.
    pub table_max_read_capacity_units: i64,
    /// Write capacity units of one table.
    pub table_max_write_capacity_units: i64,
}

impl LimitsDescription {
    /// The answer to `DescribeLimits`.
    pub const HERE: Self = Self {
        account_max_read_capacity_units: limits::ACCOUNT_CAPACITY_UNITS,
        account_max_write_capacity_units: limits::ACCOUNT_CAPACITY_UNITS,
        table_max_read_capacity_units: limits::TABLE_CAPACITY_UNITS,
        table_max_write_capacity_units: limits::TABLE_CAPACITY_UNITS,
    };
}
