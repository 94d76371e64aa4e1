//! Kubernetes quantities: `100m`, `1.5Gi`, `2e3`.
//!
//! Held as thousandths in an `i128`, wide enough for every amount a cluster counts; finer digits round up, as the API
//! server rounds them. Printing gives the canonical form: the largest suffix of the family the text used
//! that leaves an integer.

use std::fmt;
use std::str::FromStr;

/// An amount and the family of suffixes it was written in. Compares by amount.
#[derive(Debug, Clone, Copy)]
pub struct Quantity {
    milli: i128,
    family: Family,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    /// k, M, G (powers of 1000).
    Decimal,
    /// Ki, Mi, Gi (powers of 1024).
    Binary,
    /// e3, e6.
    Exponent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a quantity")]
pub struct NotAQuantity;

const DECIMAL: [(&str, i32); 9] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15)];
const EXA: (&str, i32) = ("E", 18);
const BINARY: [(&str, u32); 6] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];

impl Quantity {
    /// Thousandths.
    #[must_use]
    pub fn milli(self) -> i128 {
        self.milli
    }

    /// Whole units, rounded up.
    #[must_use]
    pub fn units(self) -> i128 {
        self.milli.div_euclid(1000) + i128::from(self.milli.rem_euclid(1000) != 0)
    }

    #[must_use]
    pub fn is_negative(self) -> bool {
        self.milli < 0
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.milli == other.milli
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.milli.cmp(&other.milli)
    }
}

impl std::ops::Add for Quantity {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let family = if self.milli == 0 { other.family } else { self.family };
        Self { milli: self.milli.saturating_add(other.milli), family }
    }
}

impl From<i64> for Quantity {
    fn from(units: i64) -> Self {
        Self { milli: i128::from(units) * 1000, family: Family::Decimal }
    }
}

impl FromStr for Quantity {
    type Err = NotAQuantity;

    fn from_str(text: &str) -> Result<Self, NotAQuantity> {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return Err(NotAQuantity);
        }
        let (family, base, exponent) = scale(suffix)?;
        let digits: i128 = match format!("{whole}{fraction}").trim_start_matches('0') {
            "" => 0,
            significant => significant.parse().map_err(|_| NotAQuantity)?,
        };
        let places = i32::try_from(fraction.len()).map_err(|_| NotAQuantity)?;
        // milli = digits * base^exponent * 10^(3 - places)
        let scaled = match base {
            2 => digits.checked_mul(1_i128 << exponent).and_then(|value| shift(value, 3 - places)),
            _ => shift(digits, exponent + 3 - places),
        };
        let milli = scaled.ok_or(NotAQuantity)?;
        Ok(Self { milli: if text.starts_with('-') { -milli } else { milli }, family })
    }
}

fn scale(suffix: &str) -> Result<(Family, i32, i32), NotAQuantity> {
    if let Some((_, bits)) = BINARY.iter().find(|(name, _)| *name == suffix) {
        return Ok((Family::Binary, 2, i32::try_from(*bits).map_err(|_| NotAQuantity)?));
    }
    if let Some((_, power)) = DECIMAL.iter().chain([&EXA]).find(|(name, _)| *name == suffix) {
        return Ok((Family::Decimal, 10, *power));
    }
    let exponent = suffix.strip_prefix(['e', 'E']).ok_or(NotAQuantity)?;
    let power: i32 = exponent.parse().map_err(|_| NotAQuantity)?;
    if power.abs() > 27 { Err(NotAQuantity) } else { Ok((Family::Exponent, 10, power)) }
}

/// `value * 10^power`, rounded up.
fn shift(value: i128, power: i32) -> Option<i128> {
    let factor = 10_i128.checked_pow(power.unsigned_abs())?;
    if power >= 0 {
        return value.checked_mul(factor);
    }
    Some(value / factor + i128::from(value % factor != 0))
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milli = self.milli;
        if milli == 0 {
            return f.write_str("0");
        }
        if self.family == Family::Binary && milli % 1000 == 0 && (milli / 1000).abs() >= 1024 {
            let units = milli / 1000;
            let mut best = (units, "");
            for (name, bits) in BINARY {
                if units % (1_i128 << bits) == 0 {
                    best = (units >> bits, name);
                }
            }
            return write!(f, "{}{}", best.0, best.1);
        }
        let mut best = (milli, -3);
        while best.0 % 1000 == 0 && best.1 < 18 {
            best = (best.0 / 1000, best.1 + 3);
        }
        match (self.family, best.1) {
            (Family::Exponent, 0) => write!(f, "{}", best.0),
            (Family::Exponent, power) => write!(f, "{}e{power}", best.0),
            (Family::Decimal | Family::Binary, 18) => write!(f, "{}E", best.0),
            (Family::Decimal | Family::Binary, power) => {
                let suffix = DECIMAL.iter().find(|(_, p)| *p == power).map_or("", |(name, _)| name);
                write!(f, "{}{suffix}", best.0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_forms() {
        let cases = [
            ("0.1", "100m"),
            ("1024Ki", "1Mi"),
            ("1.5Gi", "1536Mi"),
            ("1", "1"),
            ("1000m", "1"),
            ("500m", "500m"),
            ("1000", "1k"),
            ("1e3", "1e3"),
            ("0", "0"),
            ("-1", "-1"),
            ("+2", "2"),
            ("1000Ki", "1000Ki"),
            ("100Mi", "100Mi"),
            ("0.0001", "1m"),
            ("2Ei", "2Ei"),
            (".5", "500m"),
            ("5.", "5"),
        ];
        for (text, canonical) in cases {
            assert_eq!(text.parse::<Quantity>().unwrap().to_string(), canonical, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_none() {
        for text in ["", "abc", "1.2.3", "1Kib", "m", "1 ", "e3", "."] {
            assert!(text.parse::<Quantity>().is_err(), "{text}");
        }
    }

    #[test]
    fn compares_across_families() {
        let parse = |text: &str| text.parse::<Quantity>().unwrap();
        assert!(parse("1Gi") > parse("1G"));
        assert_eq!(parse("1000m"), parse("1"));
        assert_eq!(parse("1500m").units(), 2);
    }
}
