//! Delivers to one webhook, one event at a time, in the sequence in which they happened.
//!
//! ```text
//!  ┌─► load webhook and progress ─► gone or disabled? ──yes──► end
//!  │            │
//!  │     asked to deliver a dead letter once more? ──yes──► claim ─► send ─► store what came of it ─┐
//!  │            │                                                                                   │
//!  │     in trouble? ──yes──► wait for time                                                         │
//!  │            │                                                                                   │
//!  │     next event that is for it? ──yes──► claim ─► send ─► store what came of it ────────────────┤
//!  │            │ no                                                                                │
//!  └────── wait for an event, a change of webhooks, or time ◄───────────────────────────────────────┘
//! ```
//!
//! Everything is loaded anew in every round, so the first round after a crash is a round like any other. What a crash can cause is that the last event is
//! sent once more, with the same id.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sternway_core::ports::{FeedEntry, Records, StoreError};
use tokio_util::sync::CancellationToken;

use crate::notice::{Notice, event_name};
use crate::notifier::Notifier;
use crate::progress::{DeadLetter, Progress, Trouble};
use crate::schedule::{self, Cause, Count, Failed, Next};
use crate::webhook::{Stored, Webhook};

/// Events that are read at a time: most are told to nobody, and after each delivery they are read anew.
const PAGE: u32 = 32;
/// Events that are none of a webhook's business are passed in memory; after so many, the position is stored.
const STRIDE: u64 = 200;
/// When a store that failed is asked again.
const RETRY: SignedDuration = SignedDuration::from_secs(10);
/// What another server on the same store did is seen after this long.
pub(crate) const LONGEST_SLEEP: SignedDuration = SignedDuration::from_secs(300);
/// How long the right to deliver lasts: several times what a request may take.
const CLAIM: SignedDuration = SignedDuration::from_secs(60);

pub(crate) struct Courier {
    notifier: Arc<Notifier>,
    name: String,
    /// The incarnation of the webhook, as its state is stored by it.
    state: String,
    /// Events up to this position are none of its business, or were answered for.
    seen: u64,
}

/// What a round ends with.
enum Round {
    /// Look again at once.
    Again,
    /// Wait until then, or for an event after this position.
    Wait { until: Option<Timestamp>, after: Option<u64> },
    /// Nothing is left to do here.
    Over,
}

impl Courier {
    pub(crate) fn new(notifier: Arc<Notifier>, name: String) -> Self {
        Self { notifier, name, state: String::new(), seen: 0 }
    }

    /// Delivers until the webhook is gone or disabled, or `cancel`. Answers with the webhook's name.
    pub(crate) async fn run(mut self, cancel: CancellationToken) -> String {
        let mut changed = self.notifier.changes();
        while !cancel.is_cancelled() {
            changed.mark_unchanged();
            let round = match self.round(&cancel).await {
                Ok(round) => round,
                Err(error) => {
                    tracing::error!(
                        webhook = self.name,
                        error = &error as &dyn std::error::Error,
                        "a webhook cannot be served; trying again"
                    );
                    Round::Wait { until: Some(later(self.now(), RETRY)), after: None }
                }
            };
            let (until, after) = match round {
                Round::Again => continue,
                Round::Over => break,
                Round::Wait { until, after } => (until, after),
            };
            let longest = later(self.now(), LONGEST_SLEEP);
            let until = until.map_or(longest, |until| until.min(longest));
            let ports = self.notifier.ports();
            let appended = async {
                match after {
                    Some(after) => ports.feed.appended(after).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = cancel.cancelled() => {}
                // The sender is part of the notifier, which is held here.
                _ = changed.changed() => {}
                () = appended => {}
                () = ports.clock.sleep_until(until) => {}
            }
        }
        self.name
    }

    async fn round(&mut self, cancel: &CancellationToken) -> Result<Round, StoreError> {
        let Some(stored) = Stored::get(self.records(), &self.name).await? else {
            return Ok(Round::Over);
        };
        if !stored.webhook.enabled {
            return Ok(Round::Over);
        }
        let state = stored.webhook.state();
        if self.state != state {
            (self.state, self.seen) = (state, 0);
        }
        let from = stored.webhook.from;
        let progress = Progress::ensure(self.records(), &self.state, from).await?;
        if let Some(position) = progress.again.first() {
            return self.deliver_dead_letter(&stored, *position, cancel).await;
        }
        let now = self.now();
        if let Some(trouble) = progress.trouble.as_ref().filter(|trouble| now < trouble.until) {
            return Ok(Round::Wait { until: Some(trouble.until), after: None });
        }
        let after = progress.position.max(from).max(self.seen);
        let entries = self.notifier.ports().feed.feed(after, PAGE).await?;
        if entries.is_empty() {
            return Ok(Round::Wait { until: None, after: Some(after) });
        }
        for entry in &entries {
            let Some(notice) = self.notice(&stored.webhook, entry).await? else {
                self.seen = entry.position;
                continue;
            };
            if let Some(trouble) = progress.trouble.as_ref().filter(|trouble| has_missed(trouble, entry, now)) {
                let reason = format!("the receiver was away for longer than events wait: {}", trouble.reason);
                self.give_up(&notice, entry, reason, 0).await?;
                Progress::change(self.records(), &self.state, |progress| progress.position = entry.position).await?;
                self.seen = entry.position;
                continue;
            }
            return self.deliver(&stored, &progress, entry, &notice, cancel).await;
        }
        if self.seen >= progress.position + STRIDE {
            let seen = self.seen;
            Progress::change(self.records(), &self.state, |progress| progress.position = seen).await?;
        }
        Ok(Round::Again)
    }

    /// What an event tells this webhook, if it tells it anything.
    async fn notice(&self, webhook: &Webhook, entry: &FeedEntry) -> Result<Option<Notice>, StoreError> {
        let event = event_name(&entry.event.kind, entry.status);
        if event.is_none_or(|event| !webhook.filter.wants(event)) {
            return Ok(None);
        }
        Ok(self.read(entry).await?.filter(|notice| webhook.filter.fits(notice)))
    }

    /// What an event tells.
    async fn read(&self, entry: &FeedEntry) -> Result<Option<Notice>, StoreError> {
        let store = &self.notifier.ports().store;
        let Some(order) = store.order(entry.order).await? else { return Ok(None) };
        let app = store.app(order.app).await?;
        let cluster = store.cluster(order.workload.cluster).await?;
        Ok(Notice::of(entry, &order, app.as_ref(), cluster.as_ref()))
    }

    async fn deliver(
        &mut self,
        stored: &Stored,
        progress: &Progress,
        entry: &FeedEntry,
        notice: &Notice,
        cancel: &CancellationToken,
    ) -> Result<Round, StoreError> {
        let outcome = match self.send(stored, notice, cancel).await? {
            Ok(outcome) => outcome,
            Err(round) => return Ok(round),
        };
        let (now, position) = (self.now(), entry.position);
        let Err(failed) = outcome else {
            if progress.trouble.is_some() {
                // A crash may have come between the dead letter and the position, and made it be tried once more.
                DeadLetter::remove(self.records(), &self.state, position).await?;
            }
            Progress::change(self.records(), &self.state, |progress| {
                progress.position = position;
                progress.trouble = None;
                progress.delivered_at = Some(now);
            })
            .await?;
            return Ok(Round::Again);
        };
        let (count, since) = counted(progress.trouble.as_ref(), &failed, position, now);
        let seed = format!("{}/{position}", self.state);
        let next = schedule::next(&failed, count, since, entry.event.at, now, &seed);
        tracing::info!(
            webhook = self.name,
            message = notice.id,
            failures = count.in_a_row,
            reason = failed.reason,
            "a delivery failed"
        );
        let Failed { cause, reason, .. } = failed;
        let (passed, trouble) = match next {
            Next::Again(until) => {
                (None, Some(Trouble { position: Some(position), cause, count, since, until, reason }))
            }
            Next::GiveUp(until) => {
                self.give_up(notice, entry, reason.clone(), count.of_event).await?;
                let count = Count { in_a_row: count.in_a_row, ..Count::default() };
                let trouble = until.map(|until| Trouble { position: None, cause, count, since, until, reason });
                (Some(position), trouble)
            }
        };
        Progress::change(self.records(), &self.state, |progress| {
            progress.position = passed.unwrap_or(progress.position);
            progress.trouble.clone_from(&trouble);
        })
        .await?;
        Ok(Round::Again)
    }

    /// A dead letter, once more: it is gone if it is taken now, and stays one if not.
    async fn deliver_dead_letter(
        &mut self,
        stored: &Stored,
        position: u64,
        cancel: &CancellationToken,
    ) -> Result<Round, StoreError> {
        let letter = DeadLetter::get(self.records(), &self.state, position).await?;
        let entries = self.notifier.ports().feed.feed(position.saturating_sub(1), 1).await?;
        let entry = entries.first().filter(|entry| entry.position == position);
        let notice = match entry {
            Some(entry) => self.read(entry).await?,
            None => None,
        };
        let (Some(mut letter), Some(notice)) = (letter, notice) else {
            return self.not_again(position, false).await;
        };
        let outcome = match self.send(stored, &notice, cancel).await? {
            Ok(outcome) => outcome,
            Err(round) => return Ok(round),
        };
        let now = self.now();
        let Err(failed) = outcome else {
            DeadLetter::remove(self.records(), &self.state, position).await?;
            Progress::change(self.records(), &self.state, |progress| {
                progress.again.retain(|other| *other != position);
                // The receiver is there: what waits for it is tried at once.
                progress.trouble = None;
                progress.delivered_at = Some(now);
            })
            .await?;
            return Ok(Round::Again);
        };
        letter.attempts += 1;
        letter.given_up_at = now;
        letter.reason = failed.reason;
        letter.keep(self.records(), &self.state).await?;
        // The others would wait for the same answer that does not come.
        self.not_again(position, failed.cause == Cause::Away).await
    }

    async fn not_again(&self, position: u64, nor_others: bool) -> Result<Round, StoreError> {
        Progress::change(self.records(), &self.state, |progress| {
            progress.again.retain(|other| *other != position && !nor_others);
        })
        .await?;
        Ok(Round::Again)
    }

    /// Sends a notice, unless another server delivers, or this one is to stop: then the outer answer says what to do instead.
    async fn send(
        &self,
        stored: &Stored,
        notice: &Notice,
        cancel: &CancellationToken,
    ) -> Result<Result<Result<(), Failed>, Round>, StoreError> {
        let now = self.now();
        let holder = &self.notifier.settings().holder;
        let claimed = Progress::claim(self.records(), &self.state, holder, now, later(now, CLAIM)).await?;
        if let Err(until) = claimed {
            return Ok(Err(Round::Wait { until: Some(until), after: None }));
        }
        let outcome = cancel.run_until_cancelled(self.notifier.send(stored, notice)).await;
        Ok(outcome.ok_or(Round::Over))
    }

    async fn give_up(
        &self,
        notice: &Notice,
        entry: &FeedEntry,
        reason: String,
        attempts: u32,
    ) -> Result<(), StoreError> {
        tracing::warn!(webhook = self.name, message = notice.id, kind = notice.kind, reason, "an event was given up");
        let letter = DeadLetter {
            position: entry.position,
            id: notice.id.clone(),
            kind: notice.kind.clone(),
            change_order_id: notice.data.change_order_id.clone(),
            app_id: notice.data.app_id.clone(),
            app_name: notice.data.app_name.clone(),
            reason,
            attempts,
            happened_at: notice.time,
            given_up_at: self.now(),
        };
        letter.keep(self.records(), &self.state).await?;
        self.notifier.meters().given_up(&self.name);
        Ok(())
    }

    fn records(&self) -> &dyn Records {
        self.notifier.ports().records.as_ref()
    }

    fn now(&self) -> Timestamp {
        self.notifier.ports().clock.now()
    }
}

/// Whether an event that was never tried has waited for longer than events wait, behind others.
fn has_missed(trouble: &Trouble, entry: &FeedEntry, now: Timestamp) -> bool {
    trouble.cause == Cause::Away
        && trouble.position != Some(entry.position)
        && schedule::is_over(trouble.since, entry.event.at, now)
}

/// The failures with this one, and when the first of them was.
fn counted(before: Option<&Trouble>, failed: &Failed, position: u64, now: Timestamp) -> (Count, Timestamp) {
    let count = before.map(|trouble| trouble.count).unwrap_or_default();
    let of_event = before.is_some_and(|trouble| trouble.position == Some(position));
    let (of_event, answered) = if of_event { (count.of_event, count.answered) } else { (0, 0) };
    let answered = answered + u32::from(failed.cause != Cause::Away);
    let count = Count { in_a_row: count.in_a_row.saturating_add(1), of_event: of_event + 1, answered };
    (count, before.map_or(now, |trouble| trouble.since))
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(now)
}
