//! The data: keys, values that check themselves, and the orders in which items are written and asked for.
//!
//! Item `number` has the key of 17 bytes: four that name a keyspace (pixii's keys begin so; the others just have them
//! too), the partition in five, and the sort key in eight, all big-endian. A partition has [`PARTITION_ITEMS`] items.
//!
//! A value is: number, version, random bytes up to the half, one byte repeated, and the sum of all words before. So
//! whoever reads it can tell whether it is a value that was once written to that key, whole; about half of it compresses.

pub const KEY_BYTES: usize = 17;
pub const PARTITION_ITEMS: u64 = 50;
const POOL_BYTES: usize = 1 << 20;
const WORD: usize = 8;

pub type Key = [u8; KEY_BYTES];

/// Behind all keys.
pub const END: Key = {
    let mut key = [0; KEY_BYTES];
    key[3] = 17;
    key
};

/// The key of a partition's item, or of none if `sort` is [`PARTITION_ITEMS`] or more.
pub fn key_of(partition: u64, sort: u64) -> Key {
    let mut key = [0; KEY_BYTES];
    key[3] = 16;
    key[4..9].copy_from_slice(&partition.to_be_bytes()[3..]);
    key[9..].copy_from_slice(&sort.to_be_bytes());
    key
}

pub fn key(number: u64) -> Key {
    key_of(number / PARTITION_ITEMS, number % PARTITION_ITEMS)
}

/// A key between those of items that exist.
pub fn missing_key(number: u64) -> Key {
    let mut key = key(number);
    key[9] = 0x80;
    key
}

/// Partition and sort key.
pub fn parts(key: &[u8]) -> (u64, u64) {
    let mut partition = [0; WORD];
    partition[3..].copy_from_slice(&key[4..9]);
    (u64::from_be_bytes(partition), u64::from_be_bytes(key[9..].try_into().expect("17 bytes")))
}

/// The item whose key this is.
pub fn number(key: &[u8]) -> u64 {
    let (partition, sort) = parts(key);
    partition * PARTITION_ITEMS + sort
}

/// Makes values.
pub struct Values {
    pool: Vec<u8>,
    bytes: usize,
}

impl Values {
    pub fn new(bytes: usize) -> Self {
        let mut random = Random::new(7);
        let pool = (0..POOL_BYTES / WORD).flat_map(|_| random.next().to_le_bytes()).collect();
        Self { pool, bytes: bytes.max(4 * WORD) }
    }

    /// Replaces what is in `value`.
    pub fn write(&self, number: u64, version: u64, value: &mut Vec<u8>) {
        value.clear();
        value.extend_from_slice(&number.to_le_bytes());
        value.extend_from_slice(&version.to_le_bytes());
        let random_bytes = (self.bytes / 2).saturating_sub(3 * WORD);
        let offset =
            usize::try_from(mix(number ^ (version << 40))).expect("64 bits") % (POOL_BYTES - self.bytes);
        value.extend_from_slice(&self.pool[offset..offset + random_bytes]);
        value.resize(self.bytes - WORD, b'v');
        value.extend_from_slice(&sum(value).to_le_bytes());
    }
}

/// Whether a value is one that was written to the key, and whole.
pub fn is_sound(key: &[u8], value: &[u8], bytes: usize) -> bool {
    value.len() == bytes && value[..WORD] == number(key).to_le_bytes() && {
        let (body, end) = value.split_at(bytes - WORD);
        end == sum(body).to_le_bytes()
    }
}

fn sum(bytes: &[u8]) -> u64 {
    let words = bytes.chunks_exact(WORD);
    let rest =
        words.remainder().iter().fold(0, |sum: u64, &byte| sum.wrapping_mul(257).wrapping_add(byte.into()));
    words.fold(rest, |sum, word| sum.wrapping_add(u64::from_le_bytes(word.try_into().expect("a word"))))
}

fn mix(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// Splitmix64: the same sequence for every engine.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(mix(seed.wrapping_add(1)))
    }

    #[expect(clippy::should_implement_trait, reason = "it never ends")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// All numbers below `count`, each once, in an order without a pattern: a Feistel network, walked until it is in range.
pub fn shuffled(count: u64) -> impl Iterator<Item = u64> {
    let half_bits = (64 - count.max(2).leading_zeros()).div_ceil(2);
    let mask = (1 << half_bits) - 1;
    let permuted = move |number: u64| {
        let (mut left, mut right) = (number >> half_bits, number & mask);
        for round in 0..4 {
            (left, right) = (right, left ^ (mix(right ^ (round << 48)) & mask));
        }
        (left << half_bits) | right
    };
    (0..count).map(move |number| {
        let mut permutation = permuted(number);
        while permutation >= count {
            permutation = permuted(permutation);
        }
        permutation
    })
}

/// YCSB's scrambled Zipfian numbers (Gray and others, 1994), exponent 0.99.
#[derive(Clone)]
pub struct Zipfian {
    count: u64,
    zeta: f64,
    alpha: f64,
    eta: f64,
}

impl Zipfian {
    const THETA: f64 = 0.99;

    pub fn new(count: u64) -> Self {
        let zeta_of = |count: u64| (1..=count).map(|rank| (rank as f64).powf(-Self::THETA)).sum::<f64>();
        let zeta = zeta_of(count);
        let eta = (1.0 - (2.0 / count as f64).powf(1.0 - Self::THETA)) / (1.0 - zeta_of(2) / zeta);
        Self { count, zeta, alpha: 1.0 / (1.0 - Self::THETA), eta }
    }

    pub fn next(&self, random: &mut Random) -> u64 {
        let unit = random.unit();
        let scaled = unit * self.zeta;
        let rank = if scaled < 1.0 {
            0
        } else if scaled < 1.0 + 0.5_f64.powf(Self::THETA) {
            1
        } else {
            (self.count as f64 * (self.eta * unit - self.eta + 1.0).powf(self.alpha)) as u64
        };
        mix(rank) % self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffle_has_each_number_once() {
        for count in [1, 2, 3, 50, 1000, 4097] {
            let mut numbers: Vec<_> = shuffled(count).collect();
            assert!(count < 50 || !numbers.is_sorted());
            numbers.sort_unstable();
            assert_eq!(numbers, (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_value_of_another_item_or_a_changed_one_is_not_sound() {
        for bytes in [100, 1024] {
            let (values, mut value) = (Values::new(bytes), Vec::new());
            values.write(777, 3, &mut value);
            assert!(is_sound(&key(777), &value, bytes));
            assert!(!is_sound(&key(778), &value, bytes));
            assert!(!is_sound(&key(777), &value[1..], bytes));
            for place in 0..bytes {
                let mut changed = value.clone();
                changed[place] ^= 4;
                assert!(!is_sound(&key(777), &changed, bytes), "byte {place}");
            }
        }
    }

    #[test]
    fn keys_are_in_the_order_of_their_numbers_and_missing_ones_between() {
        for item in [0, 49, 50, 12_345_678] {
            assert_eq!(number(&key(item)), item);
            assert!(key(item) < key(item + 1));
            assert!(
                missing_key(item) > key(item) && missing_key(item) < key_of(item / PARTITION_ITEMS + 1, 0)
            );
        }
    }

    #[test]
    fn a_few_items_are_asked_for_most_of_the_time() {
        let (zipfian, mut random) = (Zipfian::new(10_000), Random::new(1));
        let mut asked = vec![0_u32; 10_000];
        for _ in 0..100_000 {
            asked[zipfian.next(&mut random) as usize] += 1;
        }
        asked.sort_unstable();
        let hottest: u32 = asked[9_900..].iter().sum();
        assert!((45_000..75_000).contains(&hottest), "{hottest} of 100,000 for the hottest hundredth");
    }
}
