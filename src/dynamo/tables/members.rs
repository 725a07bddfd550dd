//! The members of requests on tables, each by itself: lengths, characters and ranges.

use super::request::{IndexRequest, KeySchemaElement};
use super::settings::ProvisionedThroughput;
use crate::dynamo::fault::{Constraint, Fault, KeyRole, MemberFault};
use crate::dynamo::limits;

/// The faults of single members, in the order of the request.
#[derive(Default)]
pub(in crate::dynamo) struct Members {
    faults: Vec<MemberFault>,
}

impl Members {
    /// DynamoDB tells no more than this many at once.
    const TOLD_MAX: usize = 10;

    /// Refuses the request if a member breaks its constraint.
    pub(in crate::dynamo) fn finish(self) -> Result<(), Fault> {
        if self.faults.is_empty() { Ok(()) } else { Err(Fault::Members(self.faults)) }
    }

    /// What was found.
    pub(super) fn into_faults(self) -> Vec<MemberFault> {
        self.faults
    }

    /// Notes a member that does not hold to its constraint.
    pub(in crate::dynamo) fn check(
        &mut self,
        member: &str,
        constraint: Constraint,
        holds: bool,
        value: impl FnOnce() -> String,
    ) {
        if !holds && self.faults.len() < Self::TOLD_MAX {
            self.faults.push(MemberFault { member: member.to_owned(), value: value(), constraint });
        }
    }

    /// A text with a shortest and a longest length in bytes.
    pub(in crate::dynamo) fn length(&mut self, member: &str, value: &str, least: usize, most: usize) {
        let own = || value.to_owned();
        self.check(member, Constraint::LengthAtLeast(least), value.len() >= least, own);
        self.check(member, Constraint::LengthAtMost(most), value.len() <= most, own);
    }

    /// The name of a table or an index.
    pub(in crate::dynamo) fn resource_name(&mut self, member: &str, name: &str) {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        let fits = !name.is_empty() && name.bytes().all(allowed);
        self.check(member, Constraint::Pattern("[a-zA-Z0-9_.-]+"), fits, || name.to_owned());
        self.length(member, name, limits::TABLE_NAME_BYTES_MIN, limits::TABLE_NAME_BYTES_MAX);
    }

    /// The name of an attribute that a schema or a setting names.
    pub(super) fn attribute_name(&mut self, member: &str, name: &str) {
        self.length(member, name, 1, limits::SCHEMA_ATTRIBUTE_NAME_BYTES_MAX);
    }

    /// The key of a table or an index.
    pub(super) fn key(&mut self, member: &str, key: &[KeySchemaElement], most: usize) {
        let printed = || {
            let element = |element: &KeySchemaElement| {
                let role = match element.key_type {
                    KeyRole::Partition => "HASH",
                    KeyRole::Sort => "RANGE",
                };
                format!("KeySchemaElement(attributeName={}, keyType={role})", element.attribute_name)
            };
            format!("[{}]", key.iter().map(element).collect::<Vec<_>>().join(", "))
        };
        self.check(member, Constraint::LengthAtLeast(1), !key.is_empty(), printed);
        self.check(member, Constraint::LengthAtMost(most), key.len() <= most, printed);
        for (element, position) in key.iter().zip(1..) {
            self.attribute_name(
                &format!("{member}.{position}.member.attributeName"),
                &element.attribute_name,
            );
        }
    }

    /// An index as it is asked for; `key_most` is how many key attributes it may have.
    pub(super) fn index(&mut self, member: &str, index: &IndexRequest, key_most: usize) {
        self.resource_name(&format!("{member}.indexName"), &index.index_name);
        self.key(&format!("{member}.keySchema"), &index.key_schema, key_most);
        if let Some(names) = &index.projection.non_key_attributes {
            let path = format!("{member}.projection.nonKeyAttributes");
            let printed = || format!("[{}]", names.join(", "));
            let most = limits::INDEX_PROJECTED_ATTRIBUTES_MAX;
            self.check(&path, Constraint::LengthAtLeast(1), !names.is_empty(), printed);
            self.check(&path, Constraint::LengthAtMost(most), names.len() <= most, printed);
            for (name, position) in names.iter().zip(1..) {
                self.attribute_name(&format!("{path}.{position}.member"), name);
            }
        }
        self.throughput(&format!("{member}.provisionedThroughput"), index.provisioned_throughput);
    }

    /// What a table or an index is to be provisioned for.
    pub(super) fn throughput(&mut self, member: &str, throughput: Option<ProvisionedThroughput>) {
        let Some(throughput) = throughput else { return };
        for (name, units) in [
            ("readCapacityUnits", throughput.read_capacity_units),
            ("writeCapacityUnits", throughput.write_capacity_units),
        ] {
            let path = format!("{member}.{name}");
            self.check(&path, Constraint::ValueAtLeast(1), units >= 1, || units.to_string());
        }
    }
}

/// Refuses the name of a table that no table can have.
pub(in crate::dynamo) fn check_table_name(name: &str) -> Result<(), Fault> {
    let mut members = Members::default();
    members.resource_name("tableName", name);
    members.finish()
}
