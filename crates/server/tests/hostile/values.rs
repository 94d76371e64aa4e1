//! Values of parameters: what operations expect, what nobody expects, and what lies between.

use serde_json::{Value, json};
use sternway_wire::catalog::{ParameterKind, ParameterSpec};

use crate::dice::Dice;
use crate::known::{KNOWN, OF_OPERATION};
use crate::live::Live;
use crate::webhooks;

/// Operations on one Service of an application.
const SERVICES: [&str; 2] = ["DeleteK8sService", "UpdateK8sService"];

/// A value that the operation understands, as far as it is known.
pub(crate) fn plausible(operation: &str, name: &str, kind: ParameterKind, live: &Live, dice: &mut Dice) -> String {
    let number = |dice: &mut Dice, most: usize| dice.below(most).to_string();
    if let Some((_, _, values)) = OF_OPERATION.iter().find(|known| (known.0, known.1) == (operation, name)) {
        return dice.pick(values).to_owned();
    }
    if let Some(value) = webhooks::plausible(operation, name, live, dice) {
        return value;
    }
    match name {
        "appIds" | "AppInfos" | "EntryApp" => {
            let app = dice.choose(&live.apps);
            match name {
                "EntryApp" => format!("EDAS:{app}"),
                "AppInfos" => format!(r#"[{{"appId":"{app}"}}]"#),
                _ => app.clone(),
            }
        }
        "rawData" => {
            let (found, cluster) = (dice.choose(&live.strangers), dice.choose(&live.clusters));
            format!(r#"{{"app_info":[{{"app_name":"{found}","cluster_id":"{cluster}"}}]}}"#)
        }
        "GroupId" if operation.contains("SwimmingLane") => dice.choose(&live.groups).clone(),
        "LaneId" => dice.choose(&live.lanes).clone(),
        "AppName" if operation == "GetK8sAppPrecheckResult" => dice.choose(&live.checked).clone(),
        "AppId" if operation == "StartK8sApplication" && dice.percent(50) => live.stopped.clone(),
        "AppId" if operation == "GetWebContainerConfig" && dice.percent(50) => live.war.clone(),
        "AppId" if SERVICES.contains(&operation) && dice.percent(50) => live.apps[0].clone(),
        "Id" if operation == "DeleteUserDefineRegion" => dice.choose(&live.regions).clone(),
        "Id" if operation.ends_with("ConfigTemplate") => dice.choose(&live.templates).clone(),
        "TaskId" if operation == "RetryChangeOrderTask" && dice.percent(50) => live.failed.clone(),
        "Name" if operation.starts_with("Create") && dice.percent(50) => format!("new-{}", dice.below(100_000)),
        "Name" if SERVICES.contains(&operation) && dice.percent(50) => live.services[0].clone(),
        "Name" if SERVICES.contains(&operation) => dice.choose(&live.services).clone(),
        "ResourceName" if operation == "ConvertK8sResource" => dice.choose(&live.strangers).clone(),
        "AppId" => dice.choose(&live.apps).clone(),
        "AppIds" if dice.below(2) == 0 => dice.choose(&live.apps).clone(),
        "AppIds" => format!("[\"{}\"]", dice.choose(&live.apps)),
        "ChangeOrderId" => dice.choose(&live.orders).clone(),
        "PipelineId" => dice.choose(&live.pipelines).clone(),
        "TaskId" => dice.choose(&live.tasks).clone(),
        "ClusterId" | "CsClusterId" => dice.choose(&live.clusters).clone(),
        "ResourceIds" => format!("[\"{}\"]", dice.choose(&live.apps)),
        "HistoryVersion" => number(dice, 3),
        "AppName" => format!("app-{}-{}", live.age, dice.below(100_000)),
        "ClusterName" => format!("lab-{}", dice.below(9)),
        "Replicas" => number(dice, 12),
        "Id" => number(dice, 6),
        "PackageVersionId" | "CurrentPage" | "PageSize" | "BatchWaitTime" => number(dice, 4),
        "Timeout" | "BatchTimeout" | "TerminateGracePeriod" => number(dice, 1000),
        "LimitmCpu" | "RequestsmCpu" | "McpuLimit" | "McpuRequest" | "MemoryLimit" | "MemoryRequest" | "LimitMem"
        | "RequestsMem" => number(dice, 4096),
        _ => match KNOWN.iter().find(|(known, _)| *known == name) {
            Some((_, values)) => dice.pick(values).to_owned(),
            None => dice.pick(of_kind(kind)).to_owned(),
        },
    }
}

fn of_kind(kind: ParameterKind) -> &'static [&'static str] {
    match kind {
        ParameterKind::String => &["text", "a-name", "1"],
        ParameterKind::Integer => &["0", "1", "2", "100"],
        ParameterKind::Boolean => &["true", "False", "True", "false"],
        ParameterKind::Number => &["1", "0.5", "2.0"],
        ParameterKind::Object => &["{}", "[]", r#"{"a":1}"#],
    }
}

/// A value that nobody expects.
pub(crate) fn hostile(operation: &str, specification: Option<&ParameterSpec>, live: &Live, dice: &mut Dice) -> String {
    match dice.below(10) {
        0..=3 => dice.pick(STRANGE).to_owned(),
        4 => huge(dice),
        5 => noise(dice),
        6 => dice.pick(YAML).to_owned(),
        // What another parameter takes.
        7 => match dice.pick(KNOWN).0 {
            // A credential is one only where it belongs.
            "KubeConfig" => String::new(),
            name => plausible(operation, name, ParameterKind::String, live, dice),
        },
        _ => {
            let (name, kind) = specification.map_or(("", ParameterKind::Object), |found| (found.name, found.kind));
            let text = plausible(operation, name, kind, live, dice);
            match serde_json::from_str(&text) {
                Ok(value) => mutated(value, dice),
                Err(_) => cut(&text, dice),
            }
        }
    }
}

const STRANGE: &[&str] = &[
    "",
    " ",
    "\t",
    "null",
    "None",
    "undefined",
    "NaN",
    "Infinity",
    "-Infinity",
    "true",
    "True",
    "maybe",
    "-1",
    "0",
    "-0",
    "+1",
    "1.5",
    "1e3",
    "1e999",
    "0x10",
    "007",
    "1,000",
    "٣",
    "２",
    " 2 ",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551616",
    "\0",
    "a\0b",
    "\u{1}\u{1f}\u{7f}\u{80}\u{9f}",
    "\r\nx-injected: 1\r\n\r\n",
    "\u{feff}a",
    "\u{202e}abc",
    "\u{2028}\u{2029}",
    "应用就绪",
    "😀",
    "e\u{301}",
    "\u{fffd}",
    "\u{10ffff}",
    "İ",
    "ß",
    "\\",
    "\\u0041",
    "\"",
    "'",
    "`",
    "%",
    "%00",
    "%zz",
    "%25",
    "+",
    "&",
    "=",
    "a=b&c=d",
    "#",
    "?",
    "../../../../etc/passwd",
    "/etc/passwd",
    "file:///etc/passwd",
    "http://169.254.169.254/latest/",
    "C:\\",
    "' OR 1=1 --",
    "\"; DROP TABLE apps; --",
    "<script>alert(1)</script>",
    "${jndi:ldap://x}",
    "{{7*7}}",
    "$(reboot)",
    "%s%n",
    "{}",
    "[]",
    "[[]]",
    "[{}]",
    "\"\"",
    "\"text\"",
    "1",
    "[null]",
    "{\"a\":null}",
    "[null,[null]]",
    "{\"\":null}",
    "{\"a\":1,\"a\":2}",
    "[1,2",
    "{\"a\":",
    "{\"a\"}",
    "[,]",
    "{,}",
    "{'a': None}",
    "[u'x', (1, 2), b'y']",
    "{'a': True,}",
    "'\\x00'",
    "'\\ud800'",
    "'\\U00110000'",
    "(",
    "[(",
    "{1: 2}",
    "1L",
    "[1L]",
    "\"\\ud800\"",
    "[1e400]",
    "[-0.0]",
    "[1.0]",
    "[18446744073709551616]",
    "{\"type\":\"BatchUpdate\",\"batchUpdate\":{\"batch\":1e2,\"releaseType\":\"auto\"}}",
    "{\"type\":null,\"batchUpdate\":[]}",
    "[{\"name\":\"A\",\"value\":null}]",
    "[{\"name\":null}]",
    "[{\"name\":\"A\",\"value\":[null]}]",
    "[{\"mountPath\":\"/a/../b\"}]",
    "[{\"mountPath\":\"relative\"}]",
    "[{\"mountPath\":\"/\\u0000\"}]",
    "{\"exec\":{\"command\":[null]}}",
    "{\"exec\":{\"command\":[]}}",
    "{\"httpGet\":{\"port\":\"a-name\"}}",
    "{\"httpGet\":{\"port\":65536}}",
    "6b55106c-c7f2-40f7-a1d4-092870000000",
    "{6b55106c-c7f2-40f7-a1d4-092870000000}",
    "urn:uuid:6b55106c-c7f2-40f7-a1d4-092870000000",
    "00000000-0000-0000-0000-000000000000",
    "6B55106CC7F240F7A1D4092870000000",
];

const YAML: &[&str] = &[
    "- null\n",
    "- ~\n- [~]\n",
    "- .nan\n",
    "[.inf, -.inf, .nan]",
    "a: &a [*a]",
    "? [1, 2]\n: x\n",
    "1: a\n",
    "null: a\n",
    "true: a\n",
    "!!binary aGk=\n",
    "!tag x\n",
    "- !tag {a: 1}\n",
    "a: !!str 1\n",
    "--- 1\n--- 2\n",
    "a: 1\na: 2\n",
    "- name: a\n  image: ~\n",
    "- name: a\n  image: b\n  args: [~, 1]\n",
    "- name: a\n  image: b\n  ports: [null]\n",
    "%YAML 9.9\n---\na",
    "\tx: y",
    "a: |\n  \u{85}b\n",
    "a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f]\n",
    "LSBudWxsCg==",
    "bnVsbA==",
    "e30=",
    "////",
    "gICA",
    "===",
    "nodeAffinity: {a: [~]}\n",
    "{nodeAffinity: {preferred: [null, {x: [null]}]}}",
    "{podAffinity: ~}",
    "runAsUser: ~\nadd: [~]\n",
];

fn huge(dice: &mut Dice) -> String {
    let deep = dice.pick(&[60, 100, 127, 128, 200, 5000]);
    match dice.below(8) {
        0 => "a".repeat(20_000),
        1 => "é".repeat(5000),
        2 => "9".repeat(400),
        3 => format!("{}{}", "[".repeat(deep), "]".repeat(deep)),
        4 => "[".repeat(deep),
        5 => format!("{}1{}", r#"{"a":"#.repeat(deep), "}".repeat(deep)),
        6 => format!("{}{}", "(".repeat(deep), ")".repeat(deep)),
        _ => format!("[{}]", vec![r#"{"name":"A","value":"b"}"#; 300].join(",")),
    }
}

fn noise(dice: &mut Dice) -> String {
    const LETTERS: [char; 24] = [
        '{', '}', '[', ']', '(', ')', '\'', '"', '\\', ':', ',', '-', '.', '0', '9', 'a', 'E', 'u', ' ', '\n', '\0',
        '\u{2028}', '中', '😀',
    ];
    (0..dice.below(24)).map(|_| dice.pick(&LETTERS)).collect()
}

fn cut(text: &str, dice: &mut Dice) -> String {
    let letters: Vec<char> = text.chars().collect();
    let at = dice.below(letters.len() + 1);
    let (before, after) = letters.split_at(at);
    let (before, after): (String, String) = (before.iter().collect(), after.iter().collect());
    match dice.below(3) {
        0 => before,
        1 => format!("{before}{}{after}", dice.pick(STRANGE)),
        _ => after,
    }
}

/// A structure with something wrong in it, as text.
fn mutated(mut value: Value, dice: &mut Dice) -> String {
    for _ in 0..=dice.below(2) {
        spoil(&mut value, dice);
    }
    if dice.percent(20) { python(&value) } else { value.to_string() }
}

/// Walks down at random and changes what is there.
fn spoil(value: &mut Value, dice: &mut Dice) {
    let descend = !dice.percent(25);
    match value {
        Value::Object(members) if descend && !members.is_empty() => {
            let name = members.keys().nth(dice.below(members.len())).cloned().unwrap_or_default();
            match dice.below(6) {
                0 => drop(members.shift_remove(&name)),
                1 => drop(members.insert(dice.pick(STRANGE).to_owned(), json!(1))),
                _ => spoil(&mut members[&name], dice),
            }
        }
        Value::Array(items) if descend && !items.is_empty() => {
            let at = dice.below(items.len());
            match dice.below(6) {
                0 => items.push(items[at].clone()),
                1 => items.push(Value::Null),
                _ => spoil(&mut items[at], dice),
            }
        }
        _ => *value = replacement(dice),
    }
}

fn replacement(dice: &mut Dice) -> Value {
    match dice.below(12) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(-1),
        3 => json!(i64::MAX),
        4 => json!(u64::MAX),
        5 => json!(1.5),
        6 => json!([]),
        7 => json!({}),
        8 => json!([null]),
        9 => json!({"a": [null, {"b": null}]}),
        10 => json!("x".repeat(300)),
        _ => json!(dice.pick(STRANGE)),
    }
}

/// As the older Python SDK sends structures.
fn python(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
        Value::Array(items) => format!("[{}]", items.iter().map(python).collect::<Vec<_>>().join(", ")),
        Value::Object(members) => {
            let members: Vec<String> =
                members.iter().map(|(name, value)| format!("'{name}': {}", python(value))).collect();
            format!("{{{}}}", members.join(", "))
        }
    }
}
