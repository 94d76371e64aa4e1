//! Kubernetes's quantities in the whole units that EDAS shows: millicores and MiB. Rounded up, so that something is never shown as
//! nothing; what is no quantity is 0, which EDAS reads as "not set".

use serde_json::Value;

/// Processor time in millicores.
pub(super) fn millicores(quantity: &Value) -> i32 {
    rounded_up(base_units(quantity).map(|cores| cores * 1000.0))
}

/// Memory in MiB.
pub(super) fn mebibytes(quantity: &Value) -> i32 {
    rounded_up(base_units(quantity).map(|bytes| bytes / f64::from(1 << 20)))
}

fn base_units(quantity: &Value) -> Option<f64> {
    const SUFFIXES: [(&str, f64); 13] = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("Pi", 1_125_899_906_842_624.0),
        ("n", 1e-9),
        ("u", 1e-6),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
    ];
    let Value::String(text) = quantity else {
        return quantity.as_f64();
    };
    let scaled = SUFFIXES.iter().find_map(|(suffix, factor)| Some((text.strip_suffix(suffix)?, *factor)));
    let (digits, factor) = scaled.unwrap_or((text, 1.0));
    Some(digits.parse::<f64>().ok()? * factor)
}

#[expect(clippy::cast_possible_truncation, reason = "a cast of a float saturates, which is what is wanted")]
fn rounded_up(amount: Option<f64>) -> i32 {
    // A billionth less than the next whole is a rounding error of the parsing, not an amount.
    amount.map_or(0, |amount| (amount - 1e-9).ceil() as i32)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn quantities_become_whole_units() {
        for (text, expected) in [("500m", 500), ("2", 2000), ("1.5", 1500), ("1u", 1), ("x", 0)] {
            assert_eq!(millicores(&json!(text)), expected, "{text}");
        }
        for (text, expected) in [("512Mi", 512), ("1Gi", 1024), ("1M", 1), ("1048576", 1), ("10Pi", i32::MAX)] {
            assert_eq!(mebibytes(&json!(text)), expected, "{text}");
        }
        assert_eq!(millicores(&json!(2)), 2000);
        assert_eq!(millicores(&Value::Null), 0);
    }
}
