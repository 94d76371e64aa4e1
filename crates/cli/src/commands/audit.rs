//! `sternway audit`: who did what; the whole log for elsewhere; and whether it is still what was written.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde_json::Value;
use sternway_core::audit::{Broken, Head, Link};
use sternway_core::ports::{Audit, AuditFilter, AuditPage, verify_audit};
use sternway_wire::model::{GetAuditHead, ListAuditEntries};

use crate::arguments::{Connection, Form};
use crate::client::Client;
use crate::compose;
use crate::exit::{Outcome, Usage};
use crate::output::{self, Table};

/// Entries that are asked for at a time.
const PAGE: u32 = 1000;

/// What to do with the audit log.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List what was done, newest first
    List(ListArguments),
    /// Print all entries as JSON lines, oldest first, with the hashes that chain them
    Export(ExportArguments),
    /// Check that nothing was changed, removed or cut off
    Verify(VerifyArguments),
}

/// See [`list`].
#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// Only what this user did
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Only this operation, such as DeployK8sApplication
    #[arg(long, value_name = "NAME")]
    operation: Option<String>,
    /// Only what concerns this application, by id
    #[arg(long, value_name = "ID")]
    app: Option<String>,
    /// Only from then on, such as 2026-11-27T08:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only before then
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// At most so many
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    limit: u32,
    #[command(flatten)]
    connection: Connection,
}

/// See [`export`].
#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// Only entries after this number: go on where an earlier export ended
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    after: u64,
    #[command(flatten)]
    connection: Connection,
}

/// See [`verify`].
#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// An end of the log that was kept elsewhere, as `audit verify` and `audit export` say it: it must still be in the log
    #[arg(long, value_name = "NUMBER:HASH")]
    head: Option<String>,
    /// Check an export instead of a server's log
    #[arg(long, value_name = "FILE", conflicts_with = "offline")]
    file: Option<PathBuf>,
    /// Check the data directory of --data, which no server may use meanwhile
    #[arg(long)]
    offline: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Does it.
pub(crate) async fn run(command: Command) -> anyhow::Result<Outcome> {
    match command {
        Command::List(arguments) => list(arguments).await,
        Command::Export(arguments) => export(arguments).await,
        Command::Verify(arguments) => verify(arguments).await,
    }
}

async fn list(arguments: ListArguments) -> anyhow::Result<Outcome> {
    let client = arguments.connection.client()?;
    let given = [
        ("UserName", arguments.user),
        ("Operation", arguments.operation),
        ("AppId", arguments.app),
        ("Since", arguments.since),
        ("Until", arguments.until),
    ];
    let mut parameters: Vec<_> = given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    parameters.push(("OnlyOutcomes", "true".to_owned()));
    parameters.push(("Limit", arguments.limit.to_string()));
    let reply = client.call::<ListAuditEntries>("ListAuditEntries", parameters).await?;
    if arguments.connection.output == Form::Json {
        output::json(&reply.body)?;
        return Ok(Outcome::Succeeded);
    }
    let mut table = Table::new(["TIME", "USER", "FROM", "OPERATION", "CODE", "ABOUT", "TRACE"], "nothing is recorded");
    for line in reply.payload.audit_entry_list {
        let entry = Link::from_line(&line.to_string())?.entry()?;
        let code = if entry.code.is_empty() { "unanswered".to_owned() } else { entry.code };
        let about = if entry.app_id.is_empty() { about(&line["Entry"]["Parameters"]) } else { entry.app_id };
        let user = if entry.user.is_empty() { format!("? ({})", entry.access_key_id) } else { entry.user };
        table.row([
            entry.at.strftime("%FT%TZ").to_string(),
            user,
            entry.source,
            entry.operation,
            code,
            about,
            entry.trace_id,
        ]);
    }
    output::text(&table.text())?;
    Ok(Outcome::Succeeded)
}

/// The first thing that was named.
fn about(parameters: &Value) -> String {
    let first = parameters.as_object().and_then(|parameters| parameters.iter().next());
    first.map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default())).unwrap_or_default()
}

async fn export(arguments: ExportArguments) -> anyhow::Result<Outcome> {
    let client = arguments.connection.client()?;
    let end = client.call::<GetAuditHead>("GetAuditHead", Vec::new()).await?.payload.sequence;
    let mut last = None;
    pages(&client, arguments.after, end, |link| {
        output::line(&link.line()?)?;
        last = Some(Head { sequence: link.sequence, hash: link.hash });
        Ok(())
    })
    .await?;
    if let Some(head) = last {
        output::say(&format!("It ends with {}:{}", head.sequence, head.hash));
    }
    Ok(Outcome::Succeeded)
}

/// Hands on the entries after `after` up to `end`: what is added meanwhile, the reading itself perhaps, is left for another time.
async fn pages(
    client: &Client,
    mut after: u64,
    end: u64,
    mut take: impl FnMut(Link) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    while after < end {
        let parameters = vec![("After", after.to_string()), ("Limit", PAGE.to_string())];
        let reply = client.call::<ListAuditEntries>("ListAuditEntries", parameters).await?;
        let lines = reply.payload.audit_entry_list;
        if lines.is_empty() {
            break;
        }
        for line in lines {
            let link = Link::from_line(&line.to_string())?;
            after = link.sequence;
            if after <= end {
                take(link)?;
            }
        }
    }
    Ok(())
}

/// A chain that is being followed, and an end that must be on it.
struct Walk {
    reached: Head,
    expected: Vec<Head>,
}

impl Walk {
    fn follow(&mut self, link: &Link) -> anyhow::Result<()> {
        self.reached.follow(link)?;
        for expected in &self.expected {
            if expected.sequence == link.sequence && expected.hash != link.hash {
                bail!(Broken::Rewritten(link.sequence));
            }
        }
        Ok(())
    }

    fn end(self) -> anyhow::Result<Head> {
        let expected = self.expected.iter().map(|head| head.sequence).max().unwrap_or(0);
        if self.reached.sequence < expected {
            bail!(Broken::Cut { ends: self.reached.sequence, expected });
        }
        Ok(self.reached)
    }
}

async fn verify(arguments: VerifyArguments) -> anyhow::Result<Outcome> {
    let expected = arguments.head.as_deref().map(parse_head).transpose()?;
    let mut walk = Walk { reached: Head::default(), expected: expected.into_iter().collect() };
    if let Some(path) = &arguments.file {
        let file = std::fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        for line in BufReader::new(file).lines() {
            walk.follow(&Link::from_line(&line?).context("a line is no entry of an export")?)?;
        }
    } else if arguments.offline {
        let store = compose::open_existing(arguments.connection.data()).await?;
        let verified = async {
            verify_audit(&store).await??;
            walk_store(&store, &mut walk).await
        };
        let verified = verified.await;
        store.close().await;
        verified?;
    } else {
        let client = arguments.connection.client()?;
        let sealed = client.call::<GetAuditHead>("GetAuditHead", Vec::new()).await?.payload;
        if !sealed.problem.is_empty() {
            bail!("{}", sealed.problem);
        }
        let end = sealed.sequence;
        walk.expected.push(Head { sequence: end, hash: sealed.hash });
        pages(&client, 0, end, |link| walk.follow(&link)).await?;
    }
    let head = walk.end()?;
    output::line(&format!("{}:{}", head.sequence, head.hash))?;
    output::say(
        "Nothing was changed or removed. Keep this end elsewhere: `audit verify --head` finds out later whether the log still goes through it.",
    );
    Ok(Outcome::Succeeded)
}

async fn walk_store(store: &dyn Audit, walk: &mut Walk) -> anyhow::Result<()> {
    loop {
        let page = AuditPage::After(walk.reached.sequence);
        let links = store.entries(AuditFilter::default(), page, PAGE).await?;
        if links.is_empty() {
            return Ok(());
        }
        for link in &links {
            walk.follow(link)?;
        }
    }
}

fn parse_head(text: &str) -> Result<Head, Usage> {
    let wrong = || Usage("--head: give the number and the hash as they were said, NUMBER:HASH".to_owned());
    let (sequence, hash) = text.split_once(':').ok_or_else(wrong)?;
    Ok(Head { sequence: sequence.parse().map_err(|_| wrong())?, hash: hash.to_owned() })
}
