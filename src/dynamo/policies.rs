//! Policies of tables: kept and told. There is one user here, so nothing is allowed or denied by them.
//!
//! Invariant: a policy's revision names its text. The same text put again keeps it, another one gets a greater one.

use super::catalog::{Catalog, Change};
use super::error::{Error, Result};
use super::fault::{Fault, Operation};
use super::limits;
use super::policy_fault::PolicyFault;
use super::table_fault::TableFault;
use super::tables::arn;
use super::tables::record::TableRecord;
use super::tables::settings::ResourcePolicy;
use crate::engine::store::Engine;

/// What stands for the revision of no policy.
const NO_POLICY: &str = "NO_POLICY";

/// Puts a policy on a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PutResourcePolicyRequest {
    /// The table's long name.
    pub resource_arn: String,
    /// The policy, which is a document in JSON.
    pub policy: String,
    /// Only if the policy that there is has this revision; `NO_POLICY`: only if there is none.
    pub expected_revision_id: Option<String>,
}

impl Catalog {
    /// Puts a policy on a table, durably, and tells its revision.
    pub fn put_resource_policy(&self, engine: &Engine, request: &PutResourcePolicyRequest) -> Result<String> {
        const OPERATION: Operation = Operation::PutResourcePolicy;
        if request.policy.is_empty() || request.policy.len() > limits::RESOURCE_POLICY_BYTES_MAX {
            let fault = PolicyFault::Length { bytes: request.policy.len() };
            return Err(Error::new(OPERATION, fault.into()));
        }
        let now = engine.now().0;
        let arn = &request.resource_arn;
        let expected = request.expected_revision_id.as_deref();
        let put = |before: Option<&ResourcePolicy>| match before {
            Some(before) if before.text == request.policy => before.clone(),
            before => {
                let revision = before.map_or(now, |before| now.max(before.revision + 1));
                ResourcePolicy { text: request.policy.clone(), revision }
            }
        };
        let (_, put) = self.change_policy(engine, OPERATION, arn, expected, |before| Some(put(before)))?;
        Ok(put.map(|policy| policy.revision.to_string()).unwrap_or_default())
    }

    /// A table's policy and its revision.
    pub fn get_resource_policy(&self, resource_arn: &str) -> Result<(String, String)> {
        const OPERATION: Operation = Operation::GetResourcePolicy;
        let name = arn::tagged_table(resource_arn).map_err(|fault| Error::new(OPERATION, fault))?;
        let table = self.find(OPERATION, name).map_err(|error| named(error, resource_arn))?;
        let missing = || PolicyFault::Missing { arn: resource_arn.to_owned() };
        let policy = table.settings().resource_policy.as_ref();
        let policy = policy.ok_or_else(|| Error::new(OPERATION, missing().into()))?;
        Ok((policy.text.clone(), policy.revision.to_string()))
    }

    /// Takes a table's policy away, durably, and tells the revision that it had; nothing, if there was none.
    pub fn delete_resource_policy(
        &self,
        engine: &Engine,
        resource_arn: &str,
        expected_revision_id: Option<&str>,
    ) -> Result<Option<String>> {
        const OPERATION: Operation = Operation::DeleteResourcePolicy;
        let (before, _) =
            self.change_policy(engine, OPERATION, resource_arn, expected_revision_id, |_| None)?;
        Ok(before.map(|policy| policy.revision.to_string()))
    }

    /// Changes a policy, and tells what it was and is.
    fn change_policy(
        &self,
        engine: &Engine,
        operation: Operation,
        resource_arn: &str,
        expected: Option<&str>,
        change: impl FnOnce(Option<&ResourcePolicy>) -> Option<ResourcePolicy>,
    ) -> Result<(Option<ResourcePolicy>, Option<ResourcePolicy>)> {
        let name = arn::tagged_table(resource_arn).map_err(|fault| Error::new(operation, fault))?;
        let now_millis = engine.environment().clock.wall_millis();
        let mut policies = (None, None);
        let decide = |record: &TableRecord| {
            let before = record.settings.resource_policy.as_ref();
            let is_expected = expected.is_none_or(|expected| match before {
                Some(before) => before.revision.to_string() == expected,
                None => expected == NO_POLICY,
            });
            if !is_expected {
                let fault = PolicyFault::OtherRevision { arn: resource_arn.to_owned() };
                return Err(Error::new(operation, fault.into()));
            }
            let mut next = record.clone();
            next.settings.resource_policy = change(before);
            policies = (before.cloned(), next.settings.resource_policy.clone());
            Ok(Change::to(next, record, now_millis))
        };
        let changed = self.change(engine, operation, name, &[], |record, _| decide(record));
        changed.and_then(|pending| pending.wait(engine, self)).map_err(|error| named(error, resource_arn))?;
        Ok(policies)
    }
}

/// The table is named as it was asked for.
fn named(error: Error, arn: &str) -> Error {
    match (error.operation(), error.fault()) {
        (Some(operation), Fault::TableNotFound { .. }) => {
            Error::new(operation, TableFault::ArnNotFound { arn: arn.to_owned() }.into())
        }
        _ => error,
    }
}
