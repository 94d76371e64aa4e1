//! What `sternway deploy --dry-run` prints.

use serde_json::Value;

use crate::arguments::Form;
use crate::exit::Outcome;
use crate::output::{self, Table};

/// Prints the answer to a dry run: findings, then every write with the pods it leads to, then the patches. A blocking finding is an error, as it
/// would be in earnest.
pub(super) fn show(body: &Value, form: Form) -> anyhow::Result<Outcome> {
    let preview = &body["DryRun"];
    let items = |name: &str| preview[name].as_array().cloned().unwrap_or_default();
    let (findings, writes) = (items("Findings"), items("Writes"));
    let blocked = findings.iter().any(|finding| finding["Blocking"] == true);
    if form == Form::Json {
        output::json(body)?;
    } else {
        for finding in &findings {
            let mark = if finding["Blocking"] == true { "blocks" } else { "note" };
            output::line(&format!("{mark}: {}", text(&finding["Text"])))?;
        }
        let mut table = Table::new(["WRITE", "BATCH", "FOR", "OLD PODS", "NEW PODS"], "nothing would be written");
        for (index, write) in writes.iter().enumerate() {
            let number = (index + 1).to_string();
            table.row([
                number,
                text(&write["Batch"]),
                text(&write["Purpose"]),
                text(&write["Old"]),
                text(&write["New"]),
            ]);
        }
        output::text(&table.text())?;
        for (index, write) in writes.iter().enumerate() {
            output::line(&format!("\npatch {}:\n{:#}", index + 1, write["Patch"]))?;
        }
    }
    if blocked {
        anyhow::bail!("the release would be refused: see what blocks it above");
    }
    Ok(Outcome::Succeeded)
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
