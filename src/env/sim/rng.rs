//! Random numbers from a seed: the same ones on every machine, for ever.
//!
//! Invariants:
//! 1. A seed and a name give one stream. Streams of different names do not influence each other, so that one more draw
//!    in one does not change the others.
//! 2. Not cryptographic: whoever sees a few numbers can tell the rest.

use crate::env::random::Random;
use parking_lot::Mutex;
use std::fmt;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The number that decides everything random in a simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seed(pub u64);

impl Seed {
    /// The stream of random numbers called `name`.
    ///
    /// ```
    /// use pixii::sim::Seed;
    /// assert_eq!(Seed(7).stream("crash").next_u64(), Seed(7).stream("crash").next_u64());
    /// assert_ne!(Seed(7).stream("crash").next_u64(), Seed(7).stream("fault").next_u64());
    /// ```
    pub fn stream(self, name: &str) -> SimRng {
        SimRng::new(self.child(name).0)
    }

    /// Another seed that follows from this one and a name.
    pub fn child(self, name: &str) -> Seed {
        Seed(xxh3_64_with_seed(name.as_bytes(), self.0))
    }

    /// Another seed that follows from this one and a number.
    pub fn numbered(self, number: u64) -> Seed {
        Seed(xxh3_64_with_seed(&number.to_le_bytes(), self.0))
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A stream of random numbers: xoshiro256++, begun by splitmix64. Not cryptographic.
///
/// ```
/// use pixii::sim::SimRng;
/// let mut rng = SimRng::new(1);
/// let die = 1 + rng.below(6);
/// assert!((1..=6).contains(&die));
/// let coin = *rng.pick(&["heads", "tails"]);
/// assert!(coin == "heads" || coin == "tails");
/// ```
#[derive(Clone, Debug)]
pub struct SimRng {
    state: [u64; 4],
}

impl SimRng {
    /// The stream of `seed`.
    pub fn new(seed: u64) -> Self {
        let mut counter = seed;
        Self { state: std::array::from_fn(|_| splitmix(&mut counter)) }
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let result = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let (c, d) = (c ^ a, d ^ b);
        self.state = [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)];
        result
    }

    /// A number from 0 to `bound - 1`, all equally likely; 0 if `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        let product = u128::from(self.next_u64()) * u128::from(bound);
        u64::try_from(product >> 64).expect("the upper half of a product of 64-bit numbers has 64 bits")
    }

    /// As [`below`](Self::below), for indexes and counts.
    pub fn below_usize(&mut self, bound: usize) -> usize {
        usize::try_from(self.below(bound as u64)).expect("it is less than a usize")
    }

    /// True with this probability: never for 0.0, always for 1.0.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
    pub fn chance(&mut self, probability: f64) -> bool {
        const SCALE: f64 = 1.0 / (1_u64 << 53) as f64;
        ((self.next_u64() >> 11) as f64 * SCALE) < probability
    }

    /// True once in `count` times.
    pub fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    /// One of `choices`, all equally likely. There must be at least one.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let index = self.below_usize(choices.len());
        choices.get(index).expect("there must be at least one choice")
    }

    /// Puts a slice into random order.
    pub fn shuffle<T>(&mut self, slice: &mut [T]) {
        for end in (1..slice.len()).rev() {
            slice.swap(end, self.below_usize(end + 1));
        }
    }

    /// Fills a buffer with random bytes.
    pub fn fill(&mut self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let bytes = self.next_u64().to_le_bytes();
            for (target, byte) in chunk.iter_mut().zip(bytes) {
                *target = byte;
            }
        }
    }
}

fn splitmix(counter: &mut u64) -> u64 {
    *counter = counter.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *counter;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// A stream of random numbers as the environment's source of randomness.
#[derive(Debug)]
pub struct SimRandom {
    rng: Mutex<SimRng>,
}

impl SimRandom {
    /// A source that gives the numbers of `rng`.
    pub fn new(rng: SimRng) -> Self {
        Self { rng: Mutex::new(rng) }
    }
}

impl Random for SimRandom {
    fn next_u64(&self) -> u64 {
        self.rng.lock().next_u64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_published_generator() {
        let mut counter = 1_234_567;
        let begun: Vec<u64> = (0..3).map(|_| splitmix(&mut counter)).collect();
        assert_eq!(begun, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
        let mut rng = SimRng { state: [1, 2, 3, 4] };
        let drawn: Vec<u64> = (0..4).map(|_| rng.next_u64()).collect();
        assert_eq!(drawn, [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386]);
    }

    #[test]
    fn every_number_below_the_bound_is_drawn_about_equally_often() {
        let mut rng = SimRng::new(3);
        let mut counts = [0; 7];
        for _ in 0..7000 {
            counts[rng.below_usize(7)] += 1;
        }
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
    }

    #[test]
    fn a_chance_of_zero_never_comes_and_of_one_always() {
        let mut rng = SimRng::new(4);
        assert!((0..1000).all(|_| !rng.chance(0.0) && rng.chance(1.0)));
        let quarter = (0..10_000).filter(|_| rng.chance(0.25)).count();
        assert!((2300..2700).contains(&quarter), "{quarter}");
    }

    #[test]
    fn shuffling_keeps_the_elements() {
        let mut rng = SimRng::new(5);
        let mut cards: Vec<u32> = (0..52).collect();
        rng.shuffle(&mut cards);
        assert_ne!(cards, (0..52).collect::<Vec<_>>());
        cards.sort_unstable();
        assert_eq!(cards, (0..52).collect::<Vec<_>>());
    }
}
