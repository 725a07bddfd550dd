//! A record as a consumer is told it.

use super::row::{Event, Row, parse_key};
use super::sequence_number::SequenceNumber;
use crate::base::codec::{DecodeError, Decoder};
use crate::dynamo::key;
use crate::dynamo::stored::StoredItem;
use crate::dynamo::tables::settings::StreamViewType;
use crate::dynamo::tables::stream::StreamDescriptor;
use crate::dynamo::value::{Item, Value};
use std::fmt;

/// What happened to an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventName {
    /// There was none, and there is one.
    Insert,
    /// It was another one before.
    Modify,
    /// There was one, and there is none.
    Remove,
}

/// As DynamoDB writes it.
impl fmt::Display for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Insert => "INSERT",
            Self::Modify => "MODIFY",
            Self::Remove => "REMOVE",
        })
    }
}

/// Who made a change that no user asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UserIdentity {
    /// `Type`, as DynamoDB writes it.
    pub identity_type: &'static str,
    /// `PrincipalId`, as DynamoDB writes it.
    pub principal_id: &'static str,
}

impl UserIdentity {
    /// Who removes items that have expired.
    pub const EXPIRY: Self = Self { identity_type: "Service", principal_id: "dynamodb.amazonaws.com" };
}

/// The change of an item.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamRecord {
    /// No other record has it: 32 hexadecimal digits.
    pub event_id: String,
    /// What happened.
    pub event_name: EventName,
    /// Its place in the stream.
    pub sequence_number: SequenceNumber,
    /// When it was committed, in milliseconds since 1970.
    pub approximate_creation_millis: u64,
    /// The item's key.
    pub keys: Item,
    /// The item as it was, whole: if the stream holds that, and there was one.
    pub old_image: Option<Item>,
    /// The item as it has become, whole: if the stream holds that, and there is one.
    pub new_image: Option<Item>,
    /// Size in bytes of the key and the images, as DynamoDB counts items.
    pub size_bytes: usize,
    /// What the stream's records hold.
    pub view_type: StreamViewType,
    /// Who did it, if no user did.
    pub user_identity: Option<UserIdentity>,
}

impl StreamRecord {
    /// The record that a row of the stream says.
    pub(super) fn decode(stream: &StreamDescriptor, key: &[u8], value: &[u8]) -> Result<Self, DecodeError> {
        let (sequence_number, time) = parse_key(key)?;
        let row = Row::decode(value)?;
        let image = |image: Option<&[u8]>| image.map(|image| StoredItem::parse(image)?.to_item()).transpose();
        let (old_image, new_image) = (image(row.old)?, image(row.new)?);
        let keys = keys(stream, row.key)?;
        let images = [&old_image, &new_image];
        let images_bytes: usize = images.into_iter().flatten().map(Item::size_bytes).sum();
        let SequenceNumber { seqno, position } = sequence_number;
        Ok(Self {
            event_id: format!("{:08x}{:016x}{position:08x}", stream.keyspace.0, seqno.0),
            event_name: match row.event {
                Event::Insert => EventName::Insert,
                Event::Modify => EventName::Modify,
                Event::Remove => EventName::Remove,
            },
            sequence_number,
            approximate_creation_millis: time.0,
            size_bytes: keys.size_bytes() + images_bytes,
            keys,
            old_image,
            new_image,
            view_type: row.view_type,
            user_identity: row.is_expiry.then_some(UserIdentity::EXPIRY),
        })
    }
}

/// The attributes of an item's key, from the key's bytes.
fn keys(stream: &StreamDescriptor, bytes: &[u8]) -> Result<Item, DecodeError> {
    let mut decoder = Decoder::new(bytes);
    let mut keys = Item::new();
    for attribute in stream.key.attributes() {
        let error = decoder.error("a component of the schema's type");
        let value = key::decode_component(&mut decoder)?;
        if value.key_type() != attribute.key_type {
            return Err(error);
        }
        keys = keys.with(&attribute.name, Value::from(value));
    }
    decoder.end("the end of a key")?;
    Ok(keys)
}
