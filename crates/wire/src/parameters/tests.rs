use proptest::prelude::{any, proptest};
use serde_json::json;

use super::*;

fn parse(query: &str) -> Parameters {
    Parameters::parse(Some(query), None, &[]).unwrap()
}

fn code<T: std::fmt::Debug>(result: Result<T, GatewayError>) -> String {
    result.unwrap_err().code.into_owned()
}

#[test]
fn query_and_form_body_are_one() {
    let parameters =
        Parameters::parse(Some("A=1+2"), Some("Application/X-WWW-Form-Urlencoded; charset=utf-8"), b"B=%2B&C").unwrap();
    assert_eq!(parameters.get("A").unwrap(), Some("1 2"));
    assert_eq!(parameters.get("B").unwrap(), Some("+"));
    assert_eq!(parameters.get("C").unwrap(), Some(""));
    assert_eq!(parameters.get("D").unwrap(), None);
    assert_eq!(parameters.get("a").unwrap(), None, "names are exact");
}

#[test]
fn a_body_that_is_no_form_is_refused_unless_it_is_empty() {
    assert_eq!(code(Parameters::parse(None, Some("application/json"), b"{}")), "InvalidParameter");
    Parameters::parse(Some("A=1"), Some("application/json"), b"").unwrap();
}

#[test]
fn absent_cleared_and_value_are_three_things() {
    let parameters = parse("B=&C=x");
    assert_eq!(parameters.given("A").unwrap(), Given::Absent);
    assert_eq!(parameters.given("B").unwrap(), Given::Cleared);
    assert_eq!(parameters.given("C").unwrap(), Given::Value("x"));
    assert_eq!(Given::<u8>::Cleared.change(), Some(None));
}

#[test]
fn required_names_what_is_missing() {
    for query in ["", "AppId="] {
        let error = parse(query).required("AppId", "the id of an application").unwrap_err();
        assert_eq!((error.http_status, error.code.as_ref()), (400, "MissingParameter"));
        assert!(error.message.contains("AppId") && error.message.contains("the id of an application"));
    }
}

#[test]
fn two_values_for_one_name_are_refused() {
    assert_eq!(code(parse("A=1&A=2").get("A").map(drop)), "InvalidParameter");
    assert_eq!(parse("A=1&A=1").get("A").unwrap(), Some("1"));
}

#[test]
fn integers_have_a_range() {
    let parameters = parse("A=7&B=x&C=1.5&D=&E=1801&F=-1");
    assert_eq!(parameters.integer("A", 1..=1800).unwrap(), Some(7));
    assert_eq!(parameters.integer("D", 1..=1800).unwrap(), None);
    for name in ["B", "C", "E", "F"] {
        let error = parameters.integer(name, 1..=1800).unwrap_err();
        assert_eq!(error.code, "InvalidParameter");
        assert!(error.message.contains(name) && error.message.contains("1 to 1800"));
    }
    assert_eq!(code(parameters.required_integer("Z", 0..=1)), "MissingParameter");
}

#[test]
fn booleans_come_capitalised_too() {
    let parameters = parse("A=true&B=True&C=FALSE&D=&E=yes");
    assert_eq!(parameters.boolean("A").unwrap(), Some(true));
    assert_eq!(parameters.boolean("B").unwrap(), Some(true));
    assert_eq!(parameters.boolean("C").unwrap(), Some(false));
    assert_eq!(parameters.boolean("D").unwrap(), None);
    assert_eq!(code(parameters.boolean("E")), "InvalidParameter");
}

#[test]
fn texts_have_a_length_in_characters() {
    let parameters = parse("A=%E5%BA%94%E7%94%A8");
    assert_eq!(parameters.text("A", 2).unwrap(), Some("应用"));
    assert_eq!(code(parameters.text("A", 1).map(drop)), "InvalidParameter");
}

#[test]
fn structures_come_as_json_or_from_python() {
    let parameters = parse("A=[{\"a\":1}]&B=[{'a':+True,+'b':+None}]&C={}&D=[]&E=&F=null&G={oops");
    assert_eq!(parameters.json("A").unwrap(), Given::Value(json!([{"a": 1}])));
    assert_eq!(parameters.json("B").unwrap(), Given::Value(json!([{"a": true, "b": null}])));
    for name in ["C", "D", "E"] {
        assert_eq!(parameters.json(name).unwrap(), Given::Cleared, "{name}");
    }
    assert_eq!(parameters.json("F").unwrap(), Given::Absent);
    assert_eq!(code(parameters.json("G")), "InvalidParameter");
}

#[test]
fn java_flattens_lists() {
    let parameters = parse("Data.2.Key=b&Data.1.Key=a&Data.1.Value=x&Data.10.Key=c&Other.1=z");
    let expected = json!([{"Key": "a", "Value": "x"}, {"Key": "b"}, {"Key": "c"}]);
    assert_eq!(parameters.flattened("Data").unwrap(), Given::Value(expected));
    assert_eq!(parameters.flattened("Other").unwrap(), Given::Value(json!(["z"])));
    assert_eq!(parameters.flattened("None").unwrap(), Given::Absent);
    let direct = parse("Data={'Key': 'a'}");
    assert_eq!(direct.flattened("Data").unwrap(), Given::Value(json!({"Key": "a"})));
    assert_eq!(code(parse("D.1=x&D.1.a=y").flattened("D")), "InvalidParameter");
    assert_eq!(code(parse("D.1=x&D.1=y").flattened("D")), "InvalidParameter");
}

#[test]
fn too_many_or_too_long_is_refused() {
    let many = vec![("A".to_owned(), "1".to_owned()); MOST_PARAMETERS + 1];
    assert_eq!(code(Parameters::from_pairs(many)), "InvalidParameter");
    let long = vec![("A".to_owned(), "x".repeat(LONGEST_VALUE + 1))];
    assert!(Parameters::from_pairs(long).unwrap_err().message.contains(" A "));
    assert_eq!(code(Parameters::from_pairs(vec![("N".repeat(200), String::new())])), "InvalidParameter");
}

proptest! {
    #[test]
    fn nothing_on_the_wire_makes_it_panic(query in any::<String>(), body in any::<Vec<u8>>()) {
        if let Ok(parameters) = Parameters::parse(Some(&query), None, &body) {
            let names: Vec<String> = parameters.iter().map(|(name, _)| name.to_owned()).collect();
            for name in names {
                let _ = (parameters.json(&name), parameters.flattened(&name), parameters.boolean(&name));
            }
        }
    }
}
