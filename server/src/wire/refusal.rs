//! Answers that refuse: which status, which exception in which namespace, and what else stands in the body.
//!
//! Source: what DynamoDB and its streams were seen to answer; the namespaces are those of the public service models.

use super::reader::Unreadable;
use super::writer;
use crate::partiql::fault::StatementFault;
use pixii::{CancellationReason, Error, ErrorKind, Fault, Item, WriteFault};

/// Why a request is refused.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The body is not what the operation's request is.
    Unreadable(Unreadable),
    /// No operation has that name.
    UnknownOperation,
    /// The library refuses it.
    Library(Error),
    /// A statement is refused.
    Statement(StatementFault),
    /// An item that is to be inserted is there already.
    DuplicateItem,
    /// As many tables are being restored as may be.
    TooManyRestores {
        /// So many may be.
        most: usize,
    },
    /// Something of ours failed.
    Failed(String),
}

impl From<StatementFault> for Refusal {
    fn from(fault: StatementFault) -> Self {
        Self::Statement(fault)
    }
}

/// What clients are told of a failure of ours: that there was one.
pub(crate) const FAILED: &str = "Internal server error";

impl Refusal {
    /// What failed within, if it is no refusal at all. Never told to clients.
    pub(crate) fn failure(&self) -> Option<String> {
        match self {
            Self::Library(error) if is_ours(error.kind()) => Some(error.to_string()),
            Self::Failed(failure) => Some(failure.clone()),
            _ => None,
        }
    }
}

/// Whether an error is a failure of ours.
fn is_ours(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Corruption
            | ErrorKind::Io
            | ErrorKind::NoSpace
            | ErrorKind::Poisoned
            | ErrorKind::Locked
            | ErrorKind::ReadOnly
            | ErrorKind::InvalidDatabase
            | ErrorKind::Closed
    )
}

/// What is said of an item that is to be inserted and is there already.
pub(crate) const DUPLICATE_ITEM: &str = "Duplicate primary key exists in table";

impl From<Unreadable> for Refusal {
    fn from(unreadable: Unreadable) -> Self {
        Self::Unreadable(unreadable)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Library(error)
    }
}

/// The namespaces of exceptions.
pub(crate) const SERVICE: &str = "com.amazon.coral.service";
const VALIDATE: &str = "com.amazon.coral.validate";
const DYNAMODB: &str = "com.amazonaws.dynamodb.v20120810";
const STREAMS: &str = "com.amazonaws.dynamodb.streams.v20120810";

/// What is answered to a request.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status of HTTP.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: Vec<u8>,
    /// The exception, if the request is refused.
    pub(crate) exception: Option<&'static str>,
    /// What failed within, for those who run the server. Never told to clients.
    pub(crate) failure: Option<String>,
}

impl Answer {
    /// An answer that is not a refusal.
    pub(crate) fn success(body: Vec<u8>) -> Self {
        Self { status: 200, body, exception: None, failure: None }
    }

    /// A refusal of the service itself.
    pub(crate) fn service(status: u16, exception: &'static str, message: &str) -> Self {
        Self::refusal(status, SERVICE, exception, Some(("message", message)), |_| {})
    }

    /// No operation has the name that is asked for.
    pub(crate) fn unknown_operation() -> Self {
        Refusal::UnknownOperation.into()
    }

    /// A failure of ours, which clients may try again.
    pub(crate) fn failure(failure: String) -> Self {
        let message = Some(("message", FAILED));
        let answer = Self::refusal(500, DYNAMODB, "InternalServerError", message, |_| {});
        Self { failure: Some(failure), ..answer }
    }

    fn refusal(
        status: u16,
        namespace: &str,
        exception: &'static str,
        message: Option<(&str, &str)>,
        more: impl FnOnce(&mut writer::ObjectWriter<'_>),
    ) -> Self {
        let body = writer::body(|body| {
            body.string("__type", &format!("{namespace}#{exception}"));
            more(body);
            if let Some((name, message)) = message {
                body.string(name, message);
            }
        });
        Self { status, body, exception: Some(exception), failure: None }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unreadable(Unreadable(message)) => {
                let message = Some(("Message", message.as_ref()));
                Self::refusal(400, SERVICE, "SerializationException", message, |_| {})
            }
            Refusal::UnknownOperation => {
                Self::refusal(400, SERVICE, "UnknownOperationException", None, |_| {})
            }
            Refusal::Library(error) => of_library(&error),
            Refusal::Statement(StatementFault(message)) => {
                let message = Some(("message", message.as_str()));
                Self::refusal(400, VALIDATE, "ValidationException", message, |_| {})
            }
            Refusal::Failed(failure) => Self::failure(failure),
            Refusal::TooManyRestores { most } => {
                let message = format!("There is a limit of {most} concurrent restores");
                let message = Some(("message", message.as_str()));
                Self::refusal(400, DYNAMODB, "LimitExceededException", message, |_| {})
            }
            Refusal::DuplicateItem => {
                let message = Some(("message", DUPLICATE_ITEM));
                Self::refusal(400, DYNAMODB, "DuplicateItemException", message, |_| {})
            }
        }
    }
}

fn of_library(error: &Error) -> Answer {
    let message = error.to_string();
    let exception = error.exception();
    let (namespace, name) = match error.kind() {
        ErrorKind::Validation => (VALIDATE, "message"),
        ErrorKind::TransactionCanceled
        | ErrorKind::IdempotentParameterMismatch
        | ErrorKind::TransactionInProgress => (DYNAMODB, "Message"),
        ErrorKind::TrimmedDataAccess | ErrorKind::ExpiredIterator => (STREAMS, "message"),
        kind if is_ours(kind) => return Answer::failure(message),
        _ => (DYNAMODB, "message"),
    };
    let message = Some((name, message.as_str()));
    Answer::refusal(400, namespace, exception, message, |body| match error.fault() {
        Fault::Write(WriteFault::TransactionCanceled { reasons }) => {
            body.objects("CancellationReasons", reasons, write_reason);
        }
        Fault::Write(WriteFault::ConditionFailed { item }) => {
            body.maybe_item("Item", item.as_deref());
        }
        _ => {}
    })
}

fn write_reason(reason: &CancellationReason, object: &mut writer::ObjectWriter<'_>) {
    object.string("Code", reason.code.name());
    object.maybe_item("Item", reason.item.as_ref().filter(|item: &&Item| !item.is_empty()));
    object.maybe_string("Message", reason.message.as_deref());
}
