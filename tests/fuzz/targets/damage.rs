//! Damage to stored bytes, of the kinds that a checksum must find.
//!
//! No kind writes chosen bytes: a fuzzer that could do that would learn to write a matching checksum beside them.

use crate::targets::input::Input;

/// Damages bytes as the input says; not at all if it is used up, or says so.
pub fn damage(bytes: &mut Vec<u8>, input: &mut Input<'_>) {
    let place = input.below(bytes.len());
    match input.below(6) {
        1 => bytes.truncate(place),
        2 => flip(bytes, place, input.below(8)),
        3 => {
            flip(bytes, place, input.below(8));
            flip(bytes, place + input.below(64), input.below(8));
        }
        4 => {
            let end = bytes.len().min(place + 1 + input.below(5000));
            bytes[place.min(end)..end].fill(0);
        }
        5 => {
            // a part of the same file in another place, as after a write that went astray
            let length = input.below(bytes.len() - place + 1);
            let to = input.below(bytes.len() - length + 1);
            bytes.copy_within(place..place + length, to);
        }
        _ => {}
    }
}

fn flip(bytes: &mut [u8], place: usize, bit: usize) {
    if let Some(byte) = bytes.get_mut(place) {
        *byte ^= 1 << bit;
    }
}
