//! By which attribute items expire: what may be asked, and what becomes of it.
//!
//! Expiry dates are written under a generation. Enabling begins one that no table of the store ever had, disabling ends
//! it: what was written under an old one is judged by the moment when that ended. Enabling is done when the items that
//! were there before have their expiry; what is written meanwhile has it already.

use super::arn;
use super::members::Members;
use super::request::UpdateTimeToLiveRequest;
use super::settings::{ActiveTimeToLive, EndedGeneration, ExpiredItems, TimeToLiveState, TimeToLiveStatus};
use crate::base::expiry::ExpiryGeneration;
use crate::dynamo::fault::Fault;
use crate::dynamo::table_fault::TableFault;

/// Checks a request by itself, and gives the table's name.
pub(in crate::dynamo) fn check(request: &UpdateTimeToLiveRequest) -> Result<&str, Fault> {
    let table_name = arn::table_name(&request.table_name)?;
    let mut members = Members::default();
    members.resource_name("tableName", table_name);
    let attribute = &request.time_to_live_specification.attribute_name;
    members.attribute_name("timeToLiveSpecification.attributeName", attribute);
    members.finish()?;
    Ok(table_name)
}

/// Changes the state as the request says. Enabling takes the generation `free`; the moment at which one ends is asked of
/// `end`.
pub(in crate::dynamo) fn apply(
    state: &mut TimeToLiveState,
    request: &UpdateTimeToLiveRequest,
    free: ExpiryGeneration,
    expired_items: ExpiredItems,
    end: impl FnOnce(&ActiveTimeToLive) -> u64,
) -> Result<(), Fault> {
    let specification = &request.time_to_live_specification;
    match (&state.active, specification.enabled) {
        (Some(active), _) if active.attribute != specification.attribute_name => {
            Err(TableFault::TimeToLiveAttribute { current: active.attribute.clone() }.into())
        }
        (Some(_), true) => Err(TableFault::TimeToLiveEnabled.into()),
        (None, false) => Err(TableFault::TimeToLiveDisabled.into()),
        (None, true) => {
            let attribute = specification.attribute_name.clone();
            let status = TimeToLiveStatus::Enabling;
            state.active = Some(ActiveTimeToLive { attribute, generation: free, expired_items, status });
            Ok(())
        }
        (Some(active), false) => {
            let ended_at_millis = end(active);
            state.ended.push(EndedGeneration { generation: active.generation, ended_at_millis });
            state.active = None;
            Ok(())
        }
    }
}
