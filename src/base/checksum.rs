//! Checksums of stored bytes: CRC-32 (IEEE), and the mixing in of the place where the bytes belong.

/// The CRC-32 of some bytes that may lie in several pieces.
pub fn crc32(pieces: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for piece in pieces {
        hasher.update(piece);
    }
    hasher.finalize()
}

/// A block's checksum: its CRC mixed with the file's identity and the block's offset, so that a block which landed in
/// the wrong place or the wrong file is found out, and a verified block can be copied elsewhere by mixing anew.
pub fn placed(crc: u32, file_id: u128, offset: u64) -> u32 {
    let mut place = [0_u8; 24];
    let (id_bytes, offset_bytes) = place.split_at_mut(16);
    id_bytes.copy_from_slice(&file_id.to_le_bytes());
    offset_bytes.copy_from_slice(&offset.to_le_bytes());
    crc ^ crc32(&[&place])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crc_is_the_ieee_one_and_runs_over_pieces() {
        assert_eq!(crc32(&[b"1234", b"56789"]), 0xcbf4_3926);
    }

    #[test]
    fn another_place_gives_another_checksum() {
        let crc = crc32(&[b"block"]);
        let here = placed(crc, 7, 4096);
        assert_ne!(here, placed(crc, 7, 8192));
        assert_ne!(here, placed(crc, 8, 4096));
    }
}
