//! Reproducible pseudo-random numbers: every draw is a pure function of its purpose and its number.

/// The constant of the SplitMix64 generator (Steele, Lea, Flood: "Fast splittable pseudorandom number generators").
const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// A stateless random generator. Draws can be made in any order, and a draw is the same on every platform and with
/// every version of every crate, which `rand` does not guarantee.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(mix(seed))
    }

    /// An independent generator for one thing.
    pub(super) fn of(self, thing: &str) -> Self {
        Self(thing.bytes().fold(self.0, |state, byte| mix(state ^ u64::from(byte))))
    }

    /// The `n`-th draw for a purpose.
    pub(super) fn draw(self, purpose: &str, n: i64) -> u64 {
        mix(self.of(purpose).0.wrapping_add(n.cast_unsigned().wrapping_mul(GOLDEN_GAMMA)))
    }

    /// A number in `0.0..1.0`.
    pub(super) fn unit(self, purpose: &str, n: i64) -> f64 {
        const MANTISSA_VALUES: f64 = (1u64 << 53) as f64;
        (self.draw(purpose, n) >> 11) as f64 / MANTISSA_VALUES
    }

    /// An integer in `low..=high`.
    pub(super) fn within(self, purpose: &str, n: i64, low: i64, high: i64) -> i64 {
        let width = (high - low + 1).cast_unsigned();
        low + (self.draw(purpose, n) % width).cast_signed()
    }

    /// One element of a slice.
    pub(super) fn one_of<T: Copy>(self, purpose: &str, n: i64, things: &[T]) -> T {
        things[(self.draw(purpose, n) % things.len() as u64) as usize]
    }

    /// Value noise: a smooth curve between -1 and 1 with a random value at every integer `x`.
    pub(super) fn curve(self, purpose: &str, x: f64) -> f64 {
        let left = x.floor();
        let at = |n: i64| self.unit(purpose, n) * 2.0 - 1.0;
        let (from, to) = (at(left as i64), at(left as i64 + 1));
        let part = x - left;
        from + (to - from) * part * part * (3.0 - 2.0 * part)
    }
}

/// The finaliser of SplitMix64.
fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(GOLDEN_GAMMA);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_reproducible() {
        assert_eq!(mix(0), 0xe220_a839_7b1d_cdaf, "the first number of SplitMix64 with seed 0");
        assert_eq!(Chance::new(7).draw("price", -3), Chance::new(7).draw("price", -3));
    }

    #[test]
    fn a_draw_depends_on_seed_thing_purpose_and_number() {
        let chance = Chance::new(7);
        let draw = chance.draw("price", 1);
        let others = [
            Chance::new(8).draw("price", 1),
            chance.of("x").draw("price", 1),
            chance.draw("rank", 1),
            chance.draw("price", 2),
        ];
        assert!(others.iter().all(|other| *other != draw));
    }

    #[test]
    fn a_curve_is_bounded_and_continuous() {
        let chance = Chance::new(1);
        let at = |n: i32| chance.curve("level", f64::from(n) / 100.0);
        for n in -500..500 {
            assert!((-1.0..=1.0).contains(&at(n)));
            assert!((at(n) - at(n + 1)).abs() < 0.04, "{n}");
        }
    }
}
