//! Records of metadata (manifest edits, table properties, table descriptors): serde values in a frame of our own.
//!
//! ```text
//! record := version u8 (1), length u32, checksum u32 (CRC-32 of the body), body (bincode 2, fixed configuration)
//! ```
//!
//! This is the only module that knows bincode, which is no longer maintained; the frame's version byte lets another
//! encoding take its place (docs/adr/0003).
#![warn(clippy::indexing_slicing)]

use crate::base::checksum::crc32;
use crate::base::codec::{DecodeError, Decoder, Encode};
use crate::base::limits::METADATA_BYTES_MAX;
use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use serde::Serialize;
use serde::de::DeserializeOwned;

const VERSION: u8 = 1;

fn configuration() -> Configuration<LittleEndian, Fixint, Limit<METADATA_BYTES_MAX>> {
    bincode::config::standard()
        .with_little_endian()
        .with_fixed_int_encoding()
        .with_limit::<METADATA_BYTES_MAX>()
}

/// The record of a value.
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let body = bincode::serde::encode_to_vec(value, configuration())
        .expect("metadata types have no maps of unknown size and no failing serializers");
    let length = u32::try_from(body.len()).expect("metadata stays below its limit");
    let mut record = Vec::with_capacity(body.len() + 9);
    record.put_u8(VERSION);
    record.put_u32(length);
    record.put_u32(crc32(&[&body]));
    record.put_bytes(&body);
    record
}

/// The value of a record.
pub fn decode<T: DeserializeOwned>(record: &[u8]) -> Result<T, DecodeError> {
    let mut decoder = Decoder::new(record);
    let version = decoder.u8("the version of a metadata record")?;
    if version != VERSION {
        return Err(DecodeError { expected: "version 1 of a metadata record", offset: 0 });
    }
    let length = decoder.u32("the length of a metadata record")? as usize;
    if length > METADATA_BYTES_MAX {
        return Err(decoder.error("a metadata record within the limit"));
    }
    let checksum = decoder.u32("the checksum of a metadata record")?;
    let at_body = decoder.error("a metadata record with a matching checksum");
    let body = decoder.bytes(length, "the body of a metadata record")?;
    decoder.end("the end of the metadata record")?;
    if crc32(&[body]) != checksum {
        return Err(at_body);
    }
    let error = DecodeError { expected: "a metadata record of this type", offset: at_body.offset };
    match bincode::serde::decode_from_slice(body, configuration()) {
        Ok((value, read)) if read == body.len() => Ok(value),
        _ => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_and_every_truncation_is_found() {
        let record = encode(&(7_u64, "name".to_owned(), vec![1_u8, 2]));
        for index in 0..record.len() {
            assert!(decode::<(u64, String, Vec<u8>)>(&record[..index]).is_err());
            for bit in 0..8 {
                let mut flipped = record.clone();
                flipped[index] ^= 1 << bit;
                assert!(decode::<(u64, String, Vec<u8>)>(&flipped).is_err(), "byte {index} bit {bit}");
            }
        }
        assert_eq!(decode(&record), Ok((7_u64, "name".to_owned(), vec![1_u8, 2])));
    }

    #[test]
    fn a_record_of_another_type_is_refused() {
        assert!(decode::<u64>(&encode(&"text")).is_err());
    }
}
