//! Inputs that nobody has kept, made of those that are.

use pixii::sim::SimRng;

/// An input made of one that is kept: some bytes changed, some cut out, a part of another one put in.
///
/// REQUIRES: something is kept.
pub fn mutated(rng: &mut SimRng, kept: &[Vec<u8>]) -> Vec<u8> {
    let mut input = rng.pick(kept).clone();
    for _ in 0..=rng.below(4) {
        let place = rng.below_usize(input.len() + 1);
        match rng.below(4) {
            0 => drop(input.drain(place..input.len().min(place + rng.below_usize(20)))),
            1 => {
                let other = rng.pick(kept);
                let start = rng.below_usize(other.len() + 1);
                let end = other.len().min(start + rng.below_usize(100));
                input.splice(place..place, other[start..end].iter().copied());
            }
            _ => {
                let mut bytes = vec![0; 1 + rng.below_usize(8)];
                rng.fill(&mut bytes);
                let end = input.len().min(place + bytes.len());
                input.splice(place..end, bytes);
            }
        }
    }
    input
}
