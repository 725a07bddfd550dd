//! Policies of tables, which are kept and told.

use super::items::fault;
use super::members::Members;
use super::reader::Reader;
use super::refusal::Refusal;
use super::service::Service;
use super::writer;
use pixii::{Operation, PolicyFault, PutResourcePolicyRequest};
use serde::de::IgnoredAny;

/// The long name of a resource has so many bytes at most.
const RESOURCE_ARN_BYTES_MAX: usize = 1283;

/// The revision of a policy has so many bytes at most.
const REVISION_BYTES_MAX: usize = 255;

/// What requests on policies have.
#[derive(Default)]
struct PolicyMembers {
    arn: Option<String>,
    policy: Option<String>,
    expected: Option<String>,
}

impl PolicyMembers {
    fn read(reader: &mut Reader<'_>, shape: &str) -> Result<Self, Refusal> {
        let mut read = Self::default();
        reader.structure(shape, |reader, member| {
            match member {
                "ResourceArn" => read.arn = reader.owned()?,
                "Policy" => read.policy = reader.owned()?,
                "ExpectedRevisionId" => read.expected = reader.owned()?,
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        Ok(read)
    }

    /// What all of them must hold to.
    fn check(&self, members: &mut Members) {
        members.present("resourceArn", self.arn.as_ref());
        members.length("resourceArn", self.arn.as_deref(), 1, RESOURCE_ARN_BYTES_MAX);
        members.length("expectedRevisionId", self.expected.as_deref(), 1, REVISION_BYTES_MAX);
    }
}

/// Answers `PutResourcePolicy`.
pub(crate) fn put(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    const OPERATION: Operation = Operation::PutResourcePolicy;
    let read = PolicyMembers::read(reader, "PutResourcePolicyInput")?;
    let mut members = Members::default();
    read.check(&mut members);
    members.present("policy", read.policy.as_ref());
    members.finish(OPERATION)?;
    let policy = read.policy.unwrap_or_default();
    let is_object =
        policy.trim_start().starts_with('{') && serde_json::from_str::<IgnoredAny>(&policy).is_ok();
    if !is_object && !policy.is_empty() {
        return Err(fault(OPERATION, PolicyFault::Malformed).into());
    }
    let revision = service.database.put_resource_policy(&PutResourcePolicyRequest {
        resource_arn: read.arn.unwrap_or_default(),
        policy,
        expected_revision_id: read.expected,
    })?;
    Ok(writer::body(|body| body.string("RevisionId", &revision)))
}

/// Answers `GetResourcePolicy`.
pub(crate) fn get(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    let read = PolicyMembers::read(reader, "GetResourcePolicyInput")?;
    let mut members = Members::default();
    read.check(&mut members);
    members.finish(Operation::GetResourcePolicy)?;
    let (policy, revision) = service.database.get_resource_policy(&read.arn.unwrap_or_default())?;
    Ok(writer::body(|body| {
        body.string("Policy", &policy);
        body.string("RevisionId", &revision);
    }))
}

/// Answers `DeleteResourcePolicy`.
pub(crate) fn delete(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    let read = PolicyMembers::read(reader, "DeleteResourcePolicyInput")?;
    let mut members = Members::default();
    read.check(&mut members);
    members.finish(Operation::DeleteResourcePolicy)?;
    let arn = read.arn.unwrap_or_default();
    let revision = service.database.delete_resource_policy(&arn, read.expected.as_deref())?;
    Ok(writer::body(|body| body.string("RevisionId", revision.as_deref().unwrap_or_default())))
}
