//! What of a table can be changed while it stands, indexes apart.
//!
//! Moments are milliseconds since 1970, of the wall clock.

use crate::base::expiry::ExpiryGeneration;
use crate::base::ident::{KeyspaceId, SeqNo};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a table is billed. Nothing here costs anything: it is kept and told again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BillingMode {
    /// For what it is provisioned for.
    Provisioned,
    /// For what is asked of it.
    PayPerRequest,
}

/// What a table or an index is provisioned for, in units a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvisionedThroughput {
    /// Reads of 4 KB.
    pub read_capacity_units: i64,
    /// Writes of 1 KB.
    pub write_capacity_units: i64,
}

/// The most that a table or an index takes on demand, in units a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnDemandThroughput {
    /// Reads of 4 KB.
    pub max_read_request_units: Option<i64>,
    /// Writes of 1 KB.
    pub max_write_request_units: Option<i64>,
}

/// Which class a table is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TableClass {
    /// For tables that are asked often.
    Standard,
    /// For tables that are rarely asked.
    StandardInfrequentAccess,
}

/// How a table is encrypted. Nothing here encrypts: it is kept and told again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SseSpecification {
    /// Whether a key of the user's is used.
    pub enabled: bool,
    /// Which key.
    pub kms_master_key_id: Option<String>,
}

/// What the records of a stream hold beside the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StreamViewType {
    /// Nothing.
    KeysOnly,
    /// The item as it is after the change.
    NewImage,
    /// The item as it was before the change.
    OldImage,
    /// Both.
    NewAndOldImages,
}

impl StreamViewType {
    /// As DynamoDB writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::KeysOnly => "KEYS_ONLY",
            Self::NewImage => "NEW_IMAGE",
            Self::OldImage => "OLD_IMAGE",
            Self::NewAndOldImages => "NEW_AND_OLD_IMAGES",
        }
    }
}

/// What a table or an index is provisioned for, and how that changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThroughputState {
    /// What it is provisioned for: nothing, on demand.
    pub units: ProvisionedThroughput,
    /// When it was last raised.
    pub last_increase_millis: Option<u64>,
    /// When it was last lowered.
    pub last_decrease_millis: Option<u64>,
    /// How often it was lowered on the day when it was last lowered.
    pub decreases: u64,
}

impl ThroughputState {
    pub(super) fn new(units: Option<ProvisionedThroughput>) -> Self {
        Self { units: units.unwrap_or_default(), ..Self::default() }
    }

    /// Takes what is to be provisioned from now on.
    pub(super) fn change(&mut self, units: ProvisionedThroughput, now_millis: u64) {
        let old = std::mem::replace(&mut self.units, units);
        let raised = |old: i64, new: i64| old < new;
        if raised(old.read_capacity_units, units.read_capacity_units)
            || raised(old.write_capacity_units, units.write_capacity_units)
        {
            self.last_increase_millis = Some(now_millis);
        }
        if raised(units.read_capacity_units, old.read_capacity_units)
            || raised(units.write_capacity_units, old.write_capacity_units)
        {
            self.decreases = self.decreases_today(now_millis) + 1;
            self.last_decrease_millis = Some(now_millis);
        }
    }

    /// How often it was lowered today, by UTC.
    pub fn decreases_today(&self, now_millis: u64) -> u64 {
        const DAY_MILLIS: u64 = 24 * 60 * 60 * 1000;
        let is_today = |then: u64| then / DAY_MILLIS == now_millis / DAY_MILLIS;
        if self.last_decrease_millis.is_some_and(is_today) { self.decreases } else { 0 }
    }
}

/// The stream of a table: the one that there is, and when the last that there was began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamState {
    /// The stream that takes records; none if the table has no stream now.
    pub active: Option<ActiveStream>,
    /// When the last stream began: its label. No two streams of a table have the same.
    pub began_at_millis: Option<u64>,
}

/// A stream that takes records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveStream {
    /// What its records hold.
    pub view_type: StreamViewType,
    /// Where they lie.
    pub keyspace: KeyspaceId,
    /// A commit before all of its records.
    pub began_after: SeqNo,
}

impl StreamState {
    /// Begins a stream.
    pub(super) fn begin(&mut self, stream: ActiveStream, now_millis: u64) {
        self.active = Some(stream);
        let after_last = self.began_at_millis.map_or(0, |last| last + 1);
        self.began_at_millis = Some(now_millis.max(after_last));
    }

    /// The last stream began at that moment, or later.
    pub(in crate::dynamo) fn begin_no_earlier(&mut self, at_millis: u64) {
        self.began_at_millis = self.began_at_millis.map(|began| began.max(at_millis));
    }

    /// The label of the last stream.
    pub fn label(&self) -> Option<String> {
        self.began_at_millis.map(timestamp)
    }
}

/// By which attribute the items of a table expire.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeToLiveState {
    /// What holds now, if items expire.
    pub active: Option<ActiveTimeToLive>,
    /// What held before. Whatever had expired by then stays expired; whatever had not is not expired by it any more.
    pub ended: Vec<EndedGeneration>,
}

impl TimeToLiveState {
    /// Whether nobody has ever said that items expire.
    pub fn was_never_enabled(&self) -> bool {
        self.active.is_none() && self.ended.is_empty()
    }
}

/// Items expire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveTimeToLive {
    /// By this attribute.
    pub attribute: String,
    /// Under this generation.
    pub generation: ExpiryGeneration,
    /// What becomes of those that have expired.
    pub expired_items: ExpiredItems,
    /// Whether the items that were there before have their expiry.
    pub status: TimeToLiveStatus,
}

/// What becomes of items that have expired, until they are swept or reclaimed.
///
/// It is chosen when expiry is enabled for a table, and stays until it is enabled anew: what was reclaimed in part, an item
/// without its index entries, may never be seen again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ExpiredItems {
    /// From its instant on nobody sees an expired item.
    #[default]
    Hidden,
    /// They are seen, and can be written, until they are swept, as DynamoDB does it: a new date rescues them.
    ShownUntilSwept,
}

/// How far the enabling of expiry has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TimeToLiveStatus {
    /// Whatever is written expires. Items that were there before do when the backfill comes to them.
    Enabling,
    /// All items expire.
    Enabled,
}

/// A generation of expiry dates that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedGeneration {
    /// Which.
    pub generation: ExpiryGeneration,
    /// When: what expires later never does. Zero where expired items were shown: what was not swept by then stays.
    pub ended_at_millis: u64,
}

/// All settings of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSettings {
    /// How the table is billed.
    pub billing_mode: BillingMode,
    /// When it was last switched to be billed by request; none if it never was.
    pub last_on_demand_millis: Option<u64>,
    /// What it is provisioned for.
    pub throughput: ThroughputState,
    /// The most that it takes on demand.
    pub on_demand_throughput: Option<OnDemandThroughput>,
    /// Which class it is of, if that was ever said.
    pub table_class: Option<TableClass>,
    /// When its class last changed.
    pub table_class_changed_at_millis: Option<u64>,
    /// Whether it cannot be deleted.
    pub deletion_protection: bool,
    /// How it is encrypted, if that was ever said.
    pub sse: Option<SseSpecification>,
    /// Its stream.
    pub stream: StreamState,
    /// By which attribute its items expire.
    pub time_to_live: TimeToLiveState,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Since when it can be restored to a moment, if it can.
    pub point_in_time_recovery: Option<PointInTimeRecovery>,
    /// Its policy, if it has one.
    pub resource_policy: Option<ResourcePolicy>,
}

/// The policy of a table. It is kept and told, and means nothing here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourcePolicy {
    /// As it was put.
    pub text: String,
    /// Greater than that of any policy that it took the place of.
    pub revision: u64,
}

/// A table can be restored to a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointInTimeRecovery {
    /// The earliest moment, in milliseconds since 1970.
    pub enabled_at_millis: u64,
    /// For how many days back.
    pub period_days: u32,
}

impl TableSettings {
    /// Those of a table that is restored of one with these: without stream, expiry, recovery, tags, policy and protection.
    pub(in crate::dynamo) fn restored(&self) -> Self {
        Self {
            deletion_protection: false,
            stream: StreamState::default(),
            time_to_live: TimeToLiveState::default(),
            tags: BTreeMap::new(),
            point_in_time_recovery: None,
            resource_policy: None,
            ..self.clone()
        }
    }
}

/// A moment as it is written in names: `2026-11-22T10:03:00.123`, in UTC.
pub fn timestamp(millis: u64) -> String {
    let (seconds, fraction) = (millis / 1000, millis % 1000);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (hours, minutes, seconds) = (second / 3600, second / 60 % 60, second % 60);
    // Years begin in March here, so that the leap day is the last; 719,468 days lie between 0000-03-01 and 1970.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{fraction:03}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_dates_of_utc() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000"),
            (951_782_399_999, "2000-02-28T23:59:59.999"),
            (951_782_400_000, "2000-02-29T00:00:00.000"),
            (951_868_800_000, "2000-03-01T00:00:00.000"),
            (1_795_341_780_123, "2026-11-22T10:03:00.123"),
            (4_107_542_399_000, "2100-02-28T23:59:59.000"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000"),
        ] {
            assert_eq!(timestamp(millis), text);
        }
    }

    #[test]
    fn decreases_are_counted_by_the_day() {
        let units = |units| ProvisionedThroughput { read_capacity_units: units, write_capacity_units: 5 };
        let day = 24 * 60 * 60 * 1000;
        let mut state = ThroughputState::new(Some(units(9)));
        state.change(units(10), 1);
        assert_eq!((state.decreases_today(1), state.last_increase_millis), (0, Some(1)));
        state.change(units(8), 2);
        state.change(units(7), 3);
        assert_eq!((state.decreases_today(4), state.last_decrease_millis), (2, Some(3)));
        assert_eq!(state.decreases_today(day), 0);
        state.change(units(6), day);
        assert_eq!(state.decreases_today(day), 1);
        assert_eq!(state.last_increase_millis, Some(1));
    }

    #[test]
    fn no_two_streams_of_a_table_have_the_same_label() {
        let (keyspace, began_after) = (KeyspaceId(17), SeqNo(3));
        let active = ActiveStream { view_type: StreamViewType::NewImage, keyspace, began_after };
        let mut stream = StreamState::default();
        assert_eq!(stream.label(), None);
        stream.begin(active, 7);
        let first = stream.label();
        stream.begin(active, 7);
        assert!(stream.label() > first);
    }
}
