//! What a cluster has to offer, for administrators.

use serde_json::Value;
use sternway_core::ports::ClusterInfo;

use crate::reduce::problems::condition;

/// Adds up nodes.
pub(crate) fn summary(version: String, nodes: &[Value]) -> ClusterInfo {
    let is_ready = |node: &&Value| condition(&node["status"], "Ready").is_some_and(|ready| ready["status"] == "True");
    let sum = |resource: &str| -> f64 {
        nodes.iter().filter_map(|node| quantity(node["status"]["allocatable"][resource].as_str()?)).sum()
    };
    ClusterInfo {
        version,
        nodes_ready: u32::try_from(nodes.iter().filter(is_ready).count()).unwrap_or(u32::MAX),
        nodes: u32::try_from(nodes.len()).unwrap_or(u32::MAX),
        cpu_millis: (sum("cpu") * 1000.0).round() as u64,
        memory_mib: (sum("memory") / MEBIBYTE) as u64,
    }
}

const MEBIBYTE: f64 = 1024.0 * 1024.0;

/// A Kubernetes quantity (`3920m`, `16374564Ki`, `1e3`) as a number of its unit. Exact enough for a sum that people read.
pub(crate) fn quantity(text: &str) -> Option<f64> {
    const SUFFIXES: [(&str, f64); 15] = [
        ("Ki", 1024.0),
        ("Mi", MEBIBYTE),
        ("Gi", MEBIBYTE * 1024.0),
        ("Ti", MEBIBYTE * MEBIBYTE),
        ("Pi", MEBIBYTE * MEBIBYTE * 1024.0),
        ("Ei", MEBIBYTE * MEBIBYTE * MEBIBYTE),
        ("n", 1e-9),
        ("u", 1e-6),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
        ("E", 1e18),
    ];
    let (number, factor) =
        SUFFIXES.iter().find_map(|(suffix, factor)| Some((text.strip_suffix(suffix)?, *factor))).unwrap_or((text, 1.0));
    Some(number.parse::<f64>().ok()? * factor)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn quantities_in_all_their_forms() {
        let table = [
            ("4", Some(4.0)),
            ("3920m", Some(3.92)),
            ("16Ki", Some(16384.0)),
            ("2Gi", Some(2_147_483_648.0)),
            ("1e3", Some(1000.0)),
            ("2E", Some(2e18)),
            ("0.5", Some(0.5)),
            ("many", None),
        ];
        for (text, value) in table {
            assert_eq!(quantity(text), value, "{text}");
        }
    }

    #[test]
    fn nodes_are_added_up() {
        let node = |ready: &str, cpu: &str, memory: &str| {
            json!({"status": {
                "conditions": [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": ready}],
                "allocatable": {"cpu": cpu, "memory": memory},
            }})
        };
        let nodes = [node("True", "3920m", "2Gi"), node("Unknown", "4", "1048576Ki")];
        let expected =
            ClusterInfo { version: "v1.36.2".to_owned(), nodes_ready: 1, nodes: 2, cpu_millis: 7920, memory_mib: 3072 };
        assert_eq!(summary("v1.36.2".to_owned(), &nodes), expected);
    }
}
