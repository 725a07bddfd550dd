//! Expiry of items: when one dies by its table's setting, and what the engine is told of that setting.
//!
//! An item expires by one top-level attribute, a number of seconds since 1970. It is dead from that very instant on, to
//! the millisecond; a fraction of a second counts. A date that lies more than five years back when the item is written is
//! taken for something else, as are values of other types: such an item never expires.
//!
//! Source: DynamoDB developer guide, "Using time to live (TTL)"; that fractions and exponents are taken was measured by
//! others on DynamoDB.
//!
//! Invariants:
//! 1. An item and all its index entries carry the same expiry, of the same generation: what a reader is shown of them
//!    agrees at every moment.
//! 2. Expired items of a table whose stream is to tell of them are hidden, never reclaimed: the sweeper deletes them, or a
//!    write that meets them. Where they are shown until they are swept, it is the same.
//! 3. What a write has derived from the present time is committed at a time at which it would have been derived again, or
//!    not at all.

use super::limits::EXPIRY_PAST_MAX_MILLIS;
use super::number::Number;
use super::stored::StoredItem;
use super::table::{CurrentTables, TableDescriptor};
use super::tables::settings::{ExpiredItems, TableSettings};
use crate::base::codec::DecodeError;
use crate::base::expiry::{DeadEntries, Expiry, ExpiryGeneration, ExpiryRule, ExpiryRules};
use crate::base::ident::{CommitTime, SeqNo};
use crate::base::planted::{Bug, planted};
use crate::engine::commit::{Commit, CommitGuard, Verdict};
use crate::engine::store::Engine;

/// The generation of rows that the store keeps about itself for a while. No table ever has it: theirs begin at 1.
pub(super) const SYSTEM_GENERATION: ExpiryGeneration = ExpiryGeneration(0);

/// When an item that is written now expires.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ItemExpiry {
    /// None if it never does.
    pub(super) expiry: Option<Expiry>,
    /// From when on the answer would be another one.
    pub(super) holds_until: Option<CommitTime>,
}

impl ItemExpiry {
    /// When the item expires if it is written at a time.
    pub(super) fn of_item(
        table: &TableDescriptor,
        item: &StoredItem<'_>,
        now: CommitTime,
    ) -> Result<Self, DecodeError> {
        let Some(active) = &table.settings().time_to_live.active else { return Ok(Self::default()) };
        let Some(value) = item.get(&active.attribute)? else { return Ok(Self::default()) };
        let Some(at_millis) = value.as_number()?.and_then(millis_of_seconds) else {
            return Ok(Self::default());
        };
        let last = at_millis.saturating_add(EXPIRY_PAST_MAX_MILLIS);
        if now.0 > last {
            return Ok(Self::default());
        }
        let expiry = Some(Expiry { at_millis, generation: active.generation });
        Ok(Self { expiry, holds_until: Some(CommitTime(last.saturating_add(1))) })
    }
}

/// When an item of a table is written that is derived now. Where nothing expires nobody asks for the time, so nobody is
/// asked.
pub(super) fn time_of_write(engine: &Engine, table: &TableDescriptor) -> CommitTime {
    if table.settings().time_to_live.active.is_some() { engine.now() } else { CommitTime(0) }
}

/// The first millisecond that is not before so many seconds; none before 1970, or farther ahead than can be counted.
fn millis_of_seconds(seconds: Number) -> Option<u64> {
    if seconds.is_negative() {
        return None;
    }
    let exponent = i32::from(seconds.exponent()) + 3;
    let power = 10_u128.checked_pow(exponent.unsigned_abs());
    let millis = if exponent >= 0 {
        seconds.coefficient().checked_mul(power?)?
    } else {
        // Without such a power the number is less than a millisecond.
        power.map_or(u128::from(!seconds.is_zero()), |power| seconds.coefficient().div_ceil(power))
    };
    u64::try_from(millis).ok()
}

/// The earlier of two times, if there are any.
pub(super) fn earlier(one: Option<CommitTime>, other: Option<CommitTime>) -> Option<CommitTime> {
    [one, other].into_iter().flatten().min()
}

/// Admits a batch as long as its tables are what it was derived from, and as long as what it took of the present time
/// holds. One that is stale is to be derived again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Derivation<'a> {
    pub(super) tables: &'a [&'a TableDescriptor],
    pub(super) holds_until: Option<CommitTime>,
}

impl Derivation<'_> {
    /// Whether it holds at a time, for an answer that commits nothing.
    pub(super) fn holds_at(&self, now: CommitTime) -> bool {
        self.holds_until.is_none_or(|until| now < until) && self.tables.iter().all(|table| table.is_current())
    }
}

impl CommitGuard for Derivation<'_> {
    fn admit(&self, next: Commit) -> Verdict {
        match self.holds_until {
            Some(until) if until <= next.time && !planted(Bug::ExpiryDuringWriteUnchecked) => Verdict::Stale,
            _ => CurrentTables(self.tables).admit(next),
        }
    }
}

/// An item as it is stored, also if it has expired: what was derived from it is still there.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawItem<'a> {
    pub(super) item: StoredItem<'a>,
    /// The commit that wrote it.
    pub(super) seqno: SeqNo,
    pub(super) expiry: Option<Expiry>,
    pub(super) is_expired: bool,
}

impl<'a> RawItem<'a> {
    /// An item that does not expire.
    pub(super) fn lasting(item: StoredItem<'a>) -> Self {
        Self { item, seqno: SeqNo::ZERO, expiry: None, is_expired: false }
    }

    /// The item, unless it has expired.
    pub(super) fn seen(self) -> Option<StoredItem<'a>> {
        (!self.is_expired).then_some(self.item)
    }

    /// Whether the table's stream tells that the item has expired. Of one that nobody has seen since the stream began it
    /// tells nothing.
    pub(super) fn is_told(&self, settings: &TableSettings) -> bool {
        let (Some(stream), Some(began_at_millis)) = (settings.stream.active, settings.stream.began_at_millis)
        else {
            return false;
        };
        let active = settings.time_to_live.active.as_ref();
        self.seqno > stream.began_after
            || self.expiry.is_some_and(|expiry| expiry.at_millis > began_at_millis)
            || active.is_some_and(|active| active.expired_items == ExpiredItems::ShownUntilSwept)
    }
}

/// Whether somebody has to delete the table's items that have expired: compaction does not reclaim them.
pub(super) fn is_swept(settings: &TableSettings) -> bool {
    let time_to_live = &settings.time_to_live;
    let is_shown = |expired_items| expired_items == ExpiredItems::ShownUntilSwept;
    match &time_to_live.active {
        Some(active) => is_shown(active.expired_items) || settings.stream.active.is_some(),
        None => settings.stream.active.is_some() && !time_to_live.ended.is_empty(),
    }
}

/// Tells what becomes of a table's expired items.
pub(super) fn tell(settings: &TableSettings, rules: &mut ExpiryRules) {
    let hidden = if settings.stream.active.is_some() { DeadEntries::Hidden } else { DeadEntries::Reclaimed };
    for ended in &settings.time_to_live.ended {
        let ended_at =
            Some(CommitTime(ended.ended_at_millis)).filter(|_| !planted(Bug::EndedGenerationExpires));
        rules.set(ended.generation, ExpiryRule { ended_at, dead: hidden });
    }
    if let Some(active) = &settings.time_to_live.active {
        let dead = match active.expired_items {
            ExpiredItems::Hidden => hidden,
            ExpiredItems::ShownUntilSwept => DeadEntries::Shown,
        };
        rules.set(active.generation, ExpiryRule { ended_at: None, dead });
    }
}

/// Tells when the generations of a table of the past ended, if nobody has told of them: the table was dropped before the
/// store was opened.
pub(super) fn tell_past(settings: &TableSettings, rules: &mut ExpiryRules) {
    for ended in &settings.time_to_live.ended {
        if rules.rule(ended.generation) == ExpiryRule::default() {
            let ended_at = Some(CommitTime(ended.ended_at_millis));
            rules.set(ended.generation, ExpiryRule { ended_at, dead: DeadEntries::Hidden });
        }
    }
}

/// Tells the engine that it keeps the dead of a table from now on, as a change wants it that is to come. Gives the moment:
/// nothing that expires later was reclaimed.
pub(super) fn keep_dead(engine: &Engine, settings: &TableSettings) -> CommitTime {
    let time_to_live = &settings.time_to_live;
    let active = time_to_live.active.iter().map(|active| active.generation);
    let generations: Vec<_> = time_to_live.ended.iter().map(|ended| ended.generation).chain(active).collect();
    engine.change_expiry_rules(|rules, now| {
        tell(settings, rules);
        for generation in generations {
            let rule = rules.rule(generation);
            if rule.dead == DeadEntries::Reclaimed {
                rules.set(generation, ExpiryRule { dead: DeadEntries::Hidden, ..rule });
            }
        }
        now
    })
}

/// Tells what becomes of the store's own rows.
pub(super) fn tell_system(rules: &mut ExpiryRules) {
    rules.set(SYSTEM_GENERATION, ExpiryRule { ended_at: None, dead: DeadEntries::Reclaimed });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ident::KeyspaceId;
    use crate::dynamo::encoding::encode_item;
    use crate::dynamo::key::KeyType;
    use crate::dynamo::schema::TableSchema;
    use crate::dynamo::tables::settings::{
        ActiveStream, ActiveTimeToLive, EndedGeneration, StreamViewType, TimeToLiveStatus,
    };
    use crate::dynamo::value::{Item, Value};

    const NOW: CommitTime = CommitTime(1_795_341_780_123);

    fn active(generation: u32, expired_items: ExpiredItems) -> ActiveTimeToLive {
        ActiveTimeToLive {
            attribute: "expires".to_owned(),
            generation: ExpiryGeneration(generation),
            expired_items,
            status: TimeToLiveStatus::Enabled,
        }
    }

    fn table() -> TableDescriptor {
        let schema = TableSchema::builder("Items").partition_key("pk", KeyType::Number).build();
        let table = TableDescriptor::for_test(schema.expect("a valid schema"));
        let mut record = table.record().clone();
        record.settings.time_to_live.active = Some(active(3, ExpiredItems::Hidden));
        TableDescriptor::new(record)
    }

    fn derive(value: impl Into<Value>, now: CommitTime) -> ItemExpiry {
        let mut bytes = Vec::new();
        encode_item(&Item::new().with("pk", 1).with("expires", value), &mut bytes);
        let item = StoredItem::parse(&bytes).expect("an item");
        ItemExpiry::of_item(&table(), &item, now).expect("it parses")
    }

    fn at_millis(value: impl Into<Value>) -> Option<u64> {
        let expiry = derive(value, NOW).expiry;
        assert!(expiry.is_none_or(|expiry| expiry.generation == ExpiryGeneration(3)));
        expiry.map(|expiry| expiry.at_millis)
    }

    fn number(text: &str) -> Value {
        Value::Number(text.parse().expect("a number"))
    }

    #[test]
    fn only_a_number_of_seconds_is_a_date() {
        assert_eq!(at_millis(1_795_341_780), Some(1_795_341_780_000));
        assert_eq!(at_millis(number("1.795341781E9")), Some(1_795_341_781_000));
        assert_eq!(
            at_millis(number("1795341780.1234")),
            Some(1_795_341_780_124),
            "the first dead millisecond"
        );
        assert_eq!(at_millis(number("18446744073709551.615")), Some(u64::MAX));
        for never in ["18446744073709551.6150001", "1E125", "0", "-1", "1E-130", "-1795341780"] {
            assert_eq!(at_millis(number(never)), None, "{never}");
        }
        assert_eq!(at_millis("1795341780"), None);
        assert_eq!(at_millis(vec![Value::from(1_795_341_780)]), None);
        assert_eq!(at_millis(true), None);
    }

    #[test]
    fn a_date_of_more_than_five_years_ago_is_none() {
        let second = NOW.0 / 1000 - 5 * 365 * 24 * 60 * 60;
        let last = CommitTime(second * 1000 + EXPIRY_PAST_MAX_MILLIS);
        let next = CommitTime(last.0 + 1);
        let derived = derive(second, last);
        assert_eq!(
            (derived.expiry.map(|expiry| expiry.at_millis), derived.holds_until),
            (Some(second * 1000), Some(next))
        );
        assert_eq!(derive(second, next), ItemExpiry::default());
    }

    #[test]
    fn what_the_engine_is_told_follows_stream_and_setting() {
        let mut settings = table().settings().clone();
        let rule = |settings: &TableSettings, generation| {
            let mut rules = ExpiryRules::default();
            tell(settings, &mut rules);
            rules.rule(ExpiryGeneration(generation))
        };
        let ended = EndedGeneration { generation: ExpiryGeneration(2), ended_at_millis: 70 };
        settings.time_to_live.ended.push(ended);
        assert_eq!(rule(&settings, 3), ExpiryRule { ended_at: None, dead: DeadEntries::Reclaimed });
        let ended_at = Some(CommitTime(70));
        assert_eq!(rule(&settings, 2), ExpiryRule { ended_at, dead: DeadEntries::Reclaimed });
        assert!(!is_swept(&settings));

        let stream = ActiveStream {
            view_type: StreamViewType::KeysOnly,
            keyspace: KeyspaceId(20),
            began_after: SeqNo(5),
        };
        settings.stream.active = Some(stream);
        assert_eq!(rule(&settings, 3), ExpiryRule { ended_at: None, dead: DeadEntries::Hidden });
        assert_eq!(rule(&settings, 2), ExpiryRule { ended_at, dead: DeadEntries::Hidden });
        assert!(is_swept(&settings));
        settings.time_to_live.active = None;
        assert!(is_swept(&settings), "what had expired when it ended");

        settings.time_to_live.active = Some(active(4, ExpiredItems::ShownUntilSwept));
        settings.stream.active = None;
        assert_eq!(rule(&settings, 4), ExpiryRule { ended_at: None, dead: DeadEntries::Shown });
        assert!(is_swept(&settings));
    }

    #[test]
    fn a_stream_tells_of_what_expires_after_it_began_or_was_written_since() {
        let bytes = {
            let mut bytes = Vec::new();
            encode_item(&Item::new().with("pk", 1), &mut bytes);
            bytes
        };
        let stream = ActiveStream {
            view_type: StreamViewType::KeysOnly,
            keyspace: KeyspaceId(20),
            began_after: SeqNo(5),
        };
        let mut settings = table().settings().clone();
        let is_told = |settings: &TableSettings, seqno, at_millis| {
            let item = StoredItem::parse(&bytes).expect("an item");
            let expiry = Some(Expiry { at_millis, generation: ExpiryGeneration(3) });
            RawItem { item, seqno: SeqNo(seqno), expiry, is_expired: true }.is_told(settings)
        };
        assert!(!is_told(&settings, 6, 101), "there is no stream");
        (settings.stream.active, settings.stream.began_at_millis) = (Some(stream), Some(100));
        let told =
            [(5, 100), (5, 101), (6, 100)].map(|(seqno, at_millis)| is_told(&settings, seqno, at_millis));
        assert_eq!(told, [false, true, true]);
        settings.time_to_live.active = Some(active(3, ExpiredItems::ShownUntilSwept));
        assert!(is_told(&settings, 5, 100), "it was still shown when the stream began");
    }

    #[test]
    fn a_batch_is_admitted_before_its_derivation_ends() {
        let admit = |holds_until, time| {
            let commit = Commit { seqno: SeqNo(1), time: CommitTime(time) };
            Derivation { tables: &[], holds_until }.admit(commit)
        };
        assert_eq!(admit(None, 7), Verdict::Go);
        assert_eq!(admit(Some(CommitTime(8)), 7), Verdict::Go);
        assert_eq!(admit(Some(CommitTime(7)), 7), Verdict::Stale);
    }
}
