//! The words of what is wrong with a request on policies. DynamoDB documents the exceptions; the words are our own.

use super::tables::PARAMETER;
use crate::dynamo::limits;
use crate::dynamo::policy_fault::PolicyFault;
use std::fmt::{self, Formatter};

/// What is said of a policy that is refused, or that there is not.
pub(super) fn write_policy(f: &mut Formatter<'_>, fault: &PolicyFault) -> fmt::Result {
    match fault {
        PolicyFault::Missing { arn } => {
            write!(f, "Resource-based policy not found for the provided ResourceArn: {arn}")
        }
        PolicyFault::OtherRevision { arn } => write!(
            f,
            "Resource-based policy with the expected revision not found for the provided ResourceArn: {arn}"
        ),
        PolicyFault::Length { bytes } => {
            let most = limits::RESOURCE_POLICY_BYTES_MAX;
            write!(f, "{PARAMETER}Policy must have 1 to {most} bytes, and has {bytes}")
        }
        PolicyFault::Malformed => write!(f, "{PARAMETER}Policy is no object in JSON"),
    }
}
