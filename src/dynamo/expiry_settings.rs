//! By which attribute the items of a table expire: how that is changed, and how the engine hears of it and of streams.
//!
//! What makes the engine keep more is told before the commit that makes the change, what lets it take more away only when
//! that commit is published; the moment at which a generation ends is the one at which the engine is told so, and comes
//! before the commit. In between nobody tells what is published: `Catalog::telling` is held until the change has its place,
//! and then the table's state knows a version that is not published yet.

use super::catalog::{Catalog, Change, not_found};
use super::error::{Error, Result};
use super::expiry::{self, is_swept};
use super::fault::Operation;
use super::limits;
use super::system_rows::{
    BACKFILL_ROW, BackfillProgress, NEXT_GENERATION_ROW, latest, put_backfill_progress, row_key, used_up,
};
use super::table::TableDescriptor;
use super::tables::description::TimeToLiveDescription;
use super::tables::record::TableRecord;
use super::tables::request::{TimeToLiveSpecification, UpdateTimeToLiveRequest};
use super::tables::settings::{ActiveTimeToLive, ExpiredItems, TimeToLiveStatus};
use super::tables::time_to_live;
use crate::base::batch::WriteBatch;
use crate::base::expiry::{Expiry, ExpiryGeneration, ExpiryRule};
use crate::base::ident::CommitTime;
use crate::engine::store::Engine;
use crate::format::metadata;

impl Catalog {
    /// Says by which attribute items expire, durably. Items that are there already get their expiry in the background.
    pub fn update_time_to_live(
        &self,
        engine: &Engine,
        request: UpdateTimeToLiveRequest,
    ) -> Result<TimeToLiveSpecification> {
        const OPERATION: Operation = Operation::UpdateTimeToLive;
        let fault = |fault| Error::new(OPERATION, fault);
        let name = time_to_live::check(&request).map_err(fault)?;
        let now_millis = self.clock().wall_millis();
        let changed = self.change(engine, OPERATION, name, &[NEXT_GENERATION_ROW], |record, batch| {
            let counter = row_key(NEXT_GENERATION_ROW, &[]);
            let free = latest(engine, "generation", &counter)?.unwrap_or(ExpiryGeneration(1));
            let mut next = record.clone();
            let end = |active: &ActiveTimeToLive| end_generation(engine, active);
            let state = &mut next.settings.time_to_live;
            time_to_live::apply(state, &request, free, self.expired_items(), end).map_err(fault)?;
            if request.time_to_live_specification.enabled {
                let following = free.0.checked_add(1).map(ExpiryGeneration).ok_or_else(used_up)?;
                batch.put(counter, metadata::encode(&following));
                put_backfill_progress(batch, record.keyspace, &BackfillProgress::default());
                expiry::keep_dead(engine, &next.settings);
            } else {
                batch.delete(row_key(BACKFILL_ROW, &record.keyspace.prefix()));
            }
            Ok(Change::to(next, record, now_millis))
        });
        let published = changed.and_then(|pending| pending.wait(engine, self));
        if published.is_err() {
            self.tell_published(engine, name);
        }
        published.map(|_| request.time_to_live_specification)
    }

    /// Tells by which attribute items expire.
    pub fn describe_time_to_live(&self, name: &str) -> Result<TimeToLiveDescription> {
        let table = self.find(Operation::DescribeTimeToLive, name)?;
        Ok(TimeToLiveDescription::of(table.record()))
    }

    /// All items of the table have the expiry that the setting of that generation gives them.
    pub(super) fn finish_enabling(
        &self,
        engine: &Engine,
        table: &TableDescriptor,
        generation: ExpiryGeneration,
    ) -> Result<()> {
        const OPERATION: Operation = Operation::UpdateTimeToLive;
        let (name, now_millis) = (table.schema().name(), self.clock().wall_millis());
        let finish = |record: &TableRecord, batch: &mut WriteBatch| {
            let mut next = record.clone();
            match &mut next.settings.time_to_live.active {
                Some(active) if active.generation == generation && record.id == table.id() => {
                    active.status = TimeToLiveStatus::Enabled;
                }
                _ => return Err(not_found(OPERATION, name)),
            }
            // Whatever is alive was written again. Of generations that nobody knows the dead stay hidden: nothing is lost
            // by forgetting the oldest, but that theirs are not reclaimed any more.
            let ended = &mut next.settings.time_to_live.ended;
            ended.drain(..ended.len().saturating_sub(limits::ENDED_GENERATIONS_MAX));
            batch.delete(row_key(BACKFILL_ROW, &record.keyspace.prefix()));
            Ok(Change::to(next, record, now_millis))
        };
        self.change(engine, OPERATION, name, &[], finish)?.wait(engine, self).map(drop)
    }

    /// The item that was written expires then, if it does: whoever sweeps it sleeps until then.
    pub(super) fn note_expiry(&self, table: &TableDescriptor, expiry: Option<Expiry>) {
        if let Some(expiry) = expiry
            && is_swept(table.settings())
        {
            self.sweeps().note(expiry.at_millis);
        }
    }
}

/// The generation ends now: the moment.
fn end_generation(engine: &Engine, active: &ActiveTimeToLive) -> u64 {
    engine.change_expiry_rules(|rules, now| {
        let end = match active.expired_items {
            ExpiredItems::Hidden => now,
            // Whatever was not swept stays.
            ExpiredItems::ShownUntilSwept => CommitTime(0),
        };
        let rule = rules.rule(active.generation);
        rules.set(active.generation, ExpiryRule { ended_at: Some(end), ..rule });
        end.0
    })
}
