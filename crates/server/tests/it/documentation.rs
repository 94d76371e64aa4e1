//! The compatibility document says what the server does.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use sternway_server::{inert_parameters, served_extensions, served_operations};
use sternway_wire::catalog::Catalog;

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/edas-compatibility.md");
    fs::read_to_string(path).unwrap()
}

/// The cells of the table rows under a heading.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let document = document();
    let section = document.split("\n## ").find(|section| section.starts_with(&format!("{heading}\n"))).unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| ")).skip(1);
    rows.map(|row| {
        let cells = row.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().to_owned()).collect()
    })
    .collect()
}

#[test]
fn the_table_of_operations_is_what_is_served() {
    let served = served_operations();
    let rows = rows("Operations");
    let expected: Vec<&str> =
        Catalog::operations().iter().filter(|operation| operation.kubernetes).map(|operation| operation.name).collect();
    let names: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(names, expected);
    for row in &rows {
        let is_served = served.contains(&row[0].as_str());
        let allowed: &[&str] = if is_served { &["served", "partial"] } else { &["not yet"] };
        assert!(allowed.contains(&row[1].as_str()), "{row:?}");
        assert!(row[1] != "partial" || !row[2].is_empty(), "{row:?} does not say which part");
    }
    let count = served.iter().filter(|name| expected.contains(name)).count();
    assert!(document().contains(&format!("{count} are served")), "{count}");
    let others: Vec<&str> = served.into_iter().filter(|name| !expected.contains(name)).collect();
    let listed = others_listed();
    assert_eq!(listed.iter().map(String::as_str).collect::<Vec<_>>(), others);
}

/// The operations that are served though they concern no cluster.
fn others_listed() -> Vec<String> {
    rows("Operations for accounts").into_iter().map(|row| row[0].clone()).collect()
}

#[test]
fn the_table_of_our_own_operations_is_what_is_served() {
    let names: Vec<String> = rows("Operations of our own").into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(names, served_extensions());
    for row in rows("Operations of our own") {
        let operation = Catalog::by_name(&row[0]).unwrap();
        assert_eq!(row[1], format!("`{} {}`", operation.method, operation.path));
        for parameter in &operation.parameters {
            assert!(row[2].contains(&format!("`{}`", parameter.name)), "{} {}", row[0], parameter.name);
        }
    }
}

#[test]
fn the_table_of_parameters_without_effect_is_the_servers() {
    let rows = rows("Parameters without effect");
    let documented: Vec<(String, String)> = rows.into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    let expected: Vec<(String, String)> = inert_parameters()
        .iter()
        .map(|(operation, parameters)| ((*operation).to_owned(), parameters.join(", ")))
        .collect();
    assert_eq!(documented, expected);
    for (operation, parameters) in inert_parameters() {
        assert!(served_operations().contains(operation));
        assert!(parameters.is_sorted());
        let operation = Catalog::by_name(operation).unwrap();
        for parameter in *parameters {
            assert!(operation.parameter(parameter).is_some(), "{parameter}");
        }
    }
}

/// All string literals of the sources under these folders.
fn literals(folders: &[&str]) -> BTreeSet<String> {
    let mut literals = BTreeSet::new();
    let mut pending: Vec<_> = folders.iter().map(|folder| Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).collect();
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            pending.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if !path.ends_with("inert.rs") {
            let source = fs::read_to_string(path).unwrap();
            let source = source.split("#[cfg(test)]").next().unwrap();
            literals.extend(source.split('"').map(str::to_owned));
        }
    }
    literals
}

#[test]
fn every_parameter_that_is_not_listed_as_without_effect_is_read() {
    let read = literals(&["src", "../wire/src/parameters"]);
    for name in served_operations() {
        let operation = Catalog::by_name(name).unwrap();
        let inert = inert_parameters().iter().find(|(inert, _)| *inert == name);
        let inert = inert.map_or(&[][..], |(_, parameters)| parameters);
        for parameter in &operation.parameters {
            let listed = inert.contains(&parameter.name);
            assert!(listed || read.contains(parameter.name), "{name} ignores {}", parameter.name);
        }
    }
}

#[test]
fn every_code_is_explained() {
    let document = document();
    let is_code = |literal: &&String| {
        let mut words = literal.split('.').peekable();
        literal.contains('.')
            && words.all(|word| {
                word.starts_with(|c: char| c.is_ascii_uppercase())
                    && word.bytes().all(|byte| byte.is_ascii_alphabetic())
            })
    };
    let literals = literals(&["src/failure.rs", "src/operations", "../wire/src/error.rs"]);
    let codes: Vec<&String> = literals.iter().filter(is_code).collect();
    assert!(codes.len() > 30, "{codes:?}");
    for code in codes {
        assert!(document.contains(&format!("`{code}`")), "{code} is not explained");
    }
}
