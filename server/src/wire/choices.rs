//! The members of requests that are one of some names. The order in which DynamoDB lists the names is its own.

use super::members::Members;
use pixii::{
    BillingMode, Constraint, KeyRole, KeyType, ProjectionType, ReturnConsumedCapacity,
    ReturnItemCollectionMetrics, ReturnValues, ReturnValuesOnConditionCheckFailure, Select,
    ShardIteratorType, StreamViewType, TableClass,
};

/// A member that has a value if it is absent.
fn or_default<T: Copy + Default>(choice: Option<T>) -> T {
    choice.unwrap_or_default()
}

pub(crate) fn return_consumed_capacity(members: &mut Members, text: Option<&str>) -> ReturnConsumedCapacity {
    use ReturnConsumedCapacity::{Indexes, None, Total};
    let choices = [("INDEXES", Indexes), ("TOTAL", Total), ("NONE", None)];
    or_default(members.choice("returnConsumedCapacity", text, &choices, "[INDEXES, TOTAL, NONE]"))
}

pub(crate) fn return_item_collection_metrics(
    members: &mut Members,
    text: Option<&str>,
) -> ReturnItemCollectionMetrics {
    use ReturnItemCollectionMetrics::{None, Size};
    let choices = [("SIZE", Size), ("NONE", None)];
    or_default(members.choice("returnItemCollectionMetrics", text, &choices, "[SIZE, NONE]"))
}

pub(crate) fn return_values(members: &mut Members, text: Option<&str>) -> ReturnValues {
    match text {
        None | Some("NONE") => ReturnValues::None,
        Some("ALL_OLD") => ReturnValues::AllOld,
        Some("UPDATED_OLD") => ReturnValues::UpdatedOld,
        Some("ALL_NEW") => ReturnValues::AllNew,
        Some("UPDATED_NEW") => ReturnValues::UpdatedNew,
        Some(other) => {
            members.note_choice("returnValues", other, Constraint::ReturnValues);
            ReturnValues::None
        }
    }
}

pub(crate) fn on_condition_check_failure(
    members: &mut Members,
    member: &str,
    text: Option<&str>,
) -> ReturnValuesOnConditionCheckFailure {
    use ReturnValuesOnConditionCheckFailure::{AllOld, None};
    let choices = [("ALL_OLD", AllOld), ("NONE", None)];
    or_default(members.choice(member, text, &choices, "[ALL_OLD, NONE]"))
}

pub(crate) fn select(members: &mut Members, text: Option<&str>) -> Option<Select> {
    use Select::{AllAttributes, AllProjectedAttributes, Count, SpecificAttributes};
    let choices = [AllAttributes, AllProjectedAttributes, Count, SpecificAttributes];
    let choices = choices.map(|select| (select.name(), select));
    members.choice(
        "select",
        text,
        &choices,
        "[SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]",
    )
}

pub(crate) fn key_type(members: &mut Members, member: &str, text: Option<&str>) -> Option<KeyRole> {
    let text = members.present(member, text);
    members.choice(member, text, &[("HASH", KeyRole::Partition), ("RANGE", KeyRole::Sort)], "[HASH, RANGE]")
}

pub(crate) fn attribute_type(members: &mut Members, member: &str, text: Option<&str>) -> Option<KeyType> {
    let text = members.present(member, text);
    let choices = [("S", KeyType::String), ("N", KeyType::Number), ("B", KeyType::Binary)];
    members.choice(member, text, &choices, "[B, N, S]")
}

pub(crate) fn projection_type(
    members: &mut Members,
    member: &str,
    text: Option<&str>,
) -> Option<ProjectionType> {
    let choices = [ProjectionType::All, ProjectionType::KeysOnly, ProjectionType::Include];
    let choices = choices.map(|projection| (projection.name(), projection));
    members.choice(member, text, &choices, "[ALL, INCLUDE, KEYS_ONLY]")
}

pub(crate) fn billing_mode(members: &mut Members, text: Option<&str>) -> Option<BillingMode> {
    let choices =
        [("PROVISIONED", BillingMode::Provisioned), ("PAY_PER_REQUEST", BillingMode::PayPerRequest)];
    members.choice("billingMode", text, &choices, "[PROVISIONED, PAY_PER_REQUEST]")
}

pub(crate) fn table_class(members: &mut Members, text: Option<&str>) -> Option<TableClass> {
    let choices = [
        ("STANDARD", TableClass::Standard),
        ("STANDARD_INFREQUENT_ACCESS", TableClass::StandardInfrequentAccess),
    ];
    members.choice("tableClass", text, &choices, "[STANDARD, STANDARD_INFREQUENT_ACCESS]")
}

/// As DynamoDB writes it.
pub(crate) fn table_class_name(table_class: TableClass) -> &'static str {
    match table_class {
        TableClass::Standard => "STANDARD",
        TableClass::StandardInfrequentAccess => "STANDARD_INFREQUENT_ACCESS",
    }
}

pub(crate) fn stream_view_type(members: &mut Members, text: Option<&str>) -> Option<StreamViewType> {
    use StreamViewType::{KeysOnly, NewAndOldImages, NewImage, OldImage};
    let choices = [KeysOnly, NewImage, OldImage, NewAndOldImages].map(|view| (view.name(), view));
    members.choice(
        "streamSpecification.streamViewType",
        text,
        &choices,
        "[NEW_IMAGE, OLD_IMAGE, NEW_AND_OLD_IMAGES, KEYS_ONLY]",
    )
}

pub(crate) fn shard_iterator_type(members: &mut Members, text: Option<&str>) -> Option<ShardIteratorType> {
    let choices = [
        ("TRIM_HORIZON", ShardIteratorType::TrimHorizon),
        ("LATEST", ShardIteratorType::Latest),
        ("AT_SEQUENCE_NUMBER", ShardIteratorType::AtSequenceNumber),
        ("AFTER_SEQUENCE_NUMBER", ShardIteratorType::AfterSequenceNumber),
        ("AT_TIMESTAMP", ShardIteratorType::AtTimestamp),
    ];
    let text = members.present("shardIteratorType", text);
    members.choice(
        "shardIteratorType",
        text,
        &choices,
        "[AFTER_SEQUENCE_NUMBER, LATEST, AT_SEQUENCE_NUMBER, TRIM_HORIZON, AT_TIMESTAMP]",
    )
}
