//! Webhooks as a whole: a courier for each, and what may be asked about them.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sternway_core::ports::{Clock, Feed, Ids, Records, Store, StoreError};
use sternway_reach::Reach;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::courier::{Courier, LONGEST_SLEEP};
use crate::error::WebhookError;
use crate::filter::{Filter, Glob};
use crate::meters::Meters;
use crate::notice::Notice;
use crate::post::{Limits, Post};
use crate::progress::{DeadLetter, Progress, States, Trouble};
use crate::schedule::Failed;
use crate::signature::SigningKey;
use crate::webhook::{Format, Stored, Target, Webhook, checked_url};

/// The most webhooks: each has a task and reads all events.
pub const MOST_WEBHOOKS: usize = 50;
/// When a look that failed is repeated.
const RETRY: SignedDuration = SignedDuration::from_secs(10);

/// Everything outside.
#[derive(Clone)]
pub struct Ports {
    /// The events of all orders.
    pub feed: Arc<dyn Feed>,
    /// The orders and applications that they are about; the same database.
    pub store: Arc<dyn Store>,
    /// Where webhooks are kept; the same database.
    pub records: Arc<dyn Records>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Identifiers.
    pub ids: Arc<dyn Ids>,
}

impl std::fmt::Debug for Ports {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Ports").finish_non_exhaustive()
    }
}

/// What may be set.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The name of this process among others on the same store.
    pub holder: String,
    /// How far requests may reach.
    pub reach: Reach,
    /// How long they may take.
    pub limits: Limits,
}

/// A webhook to be made.
#[derive(Debug, Clone)]
pub struct Creation {
    /// Its name.
    pub name: String,
    /// The form.
    pub format: Format,
    /// Where to deliver.
    pub url: String,
    /// The key of the signature.
    pub secret: Option<String>,
    /// Which events.
    pub filter: Filter,
    /// Whether it delivers.
    pub enabled: bool,
    /// Free text.
    pub description: String,
}

/// What of a webhook is to be another; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Where to deliver.
    pub url: Option<String>,
    /// The key of the signature; `Some(None)`: a new one for CloudEvents, none for the others.
    pub secret: Option<Option<String>>,
    /// See [`Filter::events`].
    pub events: Option<Vec<Glob>>,
    /// See [`Filter::applications`].
    pub applications: Option<Vec<Glob>>,
    /// See [`Filter::namespaces`].
    pub namespaces: Option<Vec<Glob>>,
    /// See [`Filter::clusters`].
    pub clusters: Option<Vec<Glob>>,
    /// See [`Filter::logical_regions`].
    pub logical_regions: Option<Vec<Glob>>,
    /// Whether it delivers.
    pub enabled: Option<bool>,
    /// Free text.
    pub description: Option<String>,
}

/// A webhook and how it is getting on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The webhook.
    pub webhook: Webhook,
    /// When it last took an event.
    pub delivered_at: Option<Timestamp>,
    /// What keeps it from taking the next.
    pub trouble: Option<Trouble>,
    /// How many events it was not given.
    pub dead_letters: usize,
}

/// What came of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    /// The id of the message.
    pub id: String,
    /// Why it was not taken; `None` if it was.
    pub problem: Option<String>,
}

/// Keeps webhooks and delivers to them.
#[derive(Debug)]
pub struct Notifier {
    ports: Ports,
    settings: Settings,
    post: Post,
    meters: Meters,
    /// Told of every change of a webhook or its state that came from outside.
    changed: watch::Sender<()>,
}

impl Notifier {
    /// A notifier that delivers nothing yet.
    ///
    /// # Errors
    /// [`WebhookError::Client`]
    pub fn new(ports: Ports, settings: Settings) -> Result<Arc<Self>, WebhookError> {
        let post = Post::new(settings.reach, settings.limits).map_err(WebhookError::Client)?;
        Ok(Arc::new(Self { ports, settings, post, meters: Meters::default(), changed: watch::Sender::new(()) }))
    }

    /// Delivers until `cancel`. A request under way is left; what it was about is delivered again.
    pub async fn run(self: &Arc<Self>, cancel: CancellationToken) {
        let mut changed = self.changes();
        let mut couriers: JoinSet<String> = JoinSet::new();
        let mut served: BTreeSet<String> = BTreeSet::new();
        while !cancel.is_cancelled() {
            changed.mark_unchanged();
            let mut pause = LONGEST_SLEEP;
            match self.look().await {
                Ok(wanted) => {
                    for name in wanted.into_iter().filter(|name| served.insert(name.clone())) {
                        couriers.spawn(Courier::new(Arc::clone(self), name).run(cancel.clone()));
                    }
                }
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "cannot list the webhooks; trying again");
                    pause = RETRY;
                }
            }
            let now = self.ports.clock.now();
            let next_look = now.checked_add(pause).unwrap_or(now);
            tokio::select! {
                biased;
                () = cancel.cancelled() => {}
                _ = changed.changed() => {}
                Some(ended) = couriers.join_next() => match ended {
                    Ok(name) => drop(served.remove(&name)),
                    Err(panic) => {
                        // Whose it was is not known: all begin anew, from where they stand, but not at once.
                        tracing::error!(error = &panic as &dyn std::error::Error, "a courier of a webhook broke off");
                        couriers.shutdown().await;
                        served.clear();
                        tokio::select! {
                            () = cancel.cancelled() => {}
                            () = self.ports.clock.sleep_until(now.checked_add(RETRY).unwrap_or(now)) => {}
                        }
                    }
                },
                () = self.ports.clock.sleep_until(next_look) => {}
            }
        }
        while couriers.join_next().await.is_some() {}
    }

    /// The names of the webhooks that deliver. What is left of those that are gone is removed.
    async fn look(&self) -> Result<Vec<String>, StoreError> {
        // Read before the webhooks are: a webhook is there before its state is.
        let kept = States::read(self.records()).await?;
        let all = Stored::list(self.records()).await?;
        kept.sweep(self.records(), |state| all.iter().any(|webhook| webhook.state() == state)).await?;
        Ok(all.into_iter().filter(|webhook| webhook.enabled).map(|webhook| webhook.name).collect())
    }

    /// Makes a webhook, for what happens from now on. Answers with the key that was made for it, if one was: it is not shown again.
    ///
    /// # Errors
    /// [`WebhookError`]
    pub async fn create(&self, creation: Creation) -> Result<Option<SigningKey>, WebhookError> {
        let Creation { name, format, url, secret, filter, enabled, description } = creation;
        let target = Target::new(format, checked_url(&url, self.settings.reach)?, secret.as_deref())?;
        let all = Stored::list(self.records()).await?;
        if all.iter().any(|webhook| webhook.name == name) {
            return Err(WebhookError::Exists(name));
        }
        if all.len() >= MOST_WEBHOOKS {
            return Err(WebhookError::TooMany(MOST_WEBHOOKS));
        }
        let made = target.made_key(secret.is_some());
        let webhook = Webhook {
            name,
            incarnation: self.ports.ids.fresh(),
            format,
            place: target.place(),
            signed: target.is_signed(),
            filter,
            enabled,
            description,
            created_at: self.ports.clock.now(),
            from: self.ports.feed.feed_end().await?,
        };
        let stored = Stored::new(webhook, target);
        if !stored.put(self.records()).await? {
            return Err(WebhookError::Exists(stored.webhook.name));
        }
        self.changed.send_replace(());
        Ok(made)
    }

    /// Changes a webhook; what has not been delivered yet is delivered as it is then. Answers with the key that was made for it, if one was.
    ///
    /// # Errors
    /// [`WebhookError`]
    pub async fn change(&self, name: &str, change: Change) -> Result<Option<SigningKey>, WebhookError> {
        let url = change.url.as_deref().map(|url| checked_url(url, self.settings.reach)).transpose()?;
        loop {
            let mut stored = self.stored(name).await?;
            let webhook = &mut stored.webhook;
            let mut made = None;
            if let Some(secret) = &change.secret {
                let url = stored.target.url.clone();
                stored.target = Target::new(webhook.format, url, secret.as_deref())?;
                made = stored.target.made_key(secret.is_some());
            }
            if let Some(url) = &url {
                stored.target.url.clone_from(url);
            }
            webhook.place = stored.target.place();
            webhook.signed = stored.target.is_signed();
            let lists = [
                (&change.events, &mut webhook.filter.events),
                (&change.applications, &mut webhook.filter.applications),
                (&change.namespaces, &mut webhook.filter.namespaces),
                (&change.clusters, &mut webhook.filter.clusters),
                (&change.logical_regions, &mut webhook.filter.logical_regions),
            ];
            for (given, list) in lists {
                if let Some(given) = given {
                    list.clone_from(given);
                }
            }
            if change.enabled == Some(true) && !webhook.enabled {
                // What happened meanwhile is none of its business.
                webhook.from = self.ports.feed.feed_end().await?;
            }
            webhook.enabled = change.enabled.unwrap_or(webhook.enabled);
            if let Some(description) = &change.description {
                webhook.description.clone_from(description);
            }
            if !stored.put(self.records()).await? {
                continue;
            }
            // What it is now may be what was wrong.
            self.end_waiting(&stored.webhook).await?;
            self.changed.send_replace(());
            return Ok(made);
        }
    }

    /// Removes a webhook with its state; one that is gone already is removed.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn delete(&self, name: &str) -> Result<(), WebhookError> {
        Stored::delete(self.records(), name).await?;
        self.look().await?;
        self.meters.forget(name);
        self.changed.send_replace(());
        Ok(())
    }

    /// All webhooks, by name.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn list(&self) -> Result<Vec<Shown>, WebhookError> {
        let mut all = Vec::new();
        for webhook in Stored::list(self.records()).await? {
            all.push(self.shown(webhook).await?);
        }
        Ok(all)
    }

    /// A webhook.
    ///
    /// # Errors
    /// [`WebhookError::Missing`], or if the store fails.
    pub async fn get(&self, name: &str) -> Result<Shown, WebhookError> {
        let stored = self.stored(name).await?;
        Ok(self.shown(stored.webhook).await?)
    }

    /// Sends a test at once, whether the webhook is enabled or not. One that is taken ends the waiting for the receiver.
    ///
    /// # Errors
    /// [`WebhookError::Missing`], or if the store fails.
    pub async fn test(&self, name: &str) -> Result<Tested, WebhookError> {
        let stored = self.stored(name).await?;
        let notice = Notice::test(self.ports.ids.fresh(), name, self.ports.clock.now());
        let outcome = self.send(&stored, &notice).await;
        if outcome.is_ok() {
            self.end_waiting(&stored.webhook).await?;
            self.changed.send_replace(());
        }
        Ok(Tested { id: notice.id, problem: outcome.err().map(|failed| failed.reason) })
    }

    /// What a webhook was not given, oldest event first.
    ///
    /// # Errors
    /// [`WebhookError::Missing`], or if the store fails.
    pub async fn dead_letters(&self, name: &str) -> Result<Vec<DeadLetter>, WebhookError> {
        let stored = self.stored(name).await?;
        Ok(DeadLetter::list(self.records(), &stored.webhook.state()).await?)
    }

    /// Has one dead letter, or all, delivered once more. Answers with how many that are.
    ///
    /// # Errors
    /// [`WebhookError::Missing`], [`WebhookError::NoDeadLetter`], [`WebhookError::Disabled`], or if the store fails.
    pub async fn redeliver(&self, name: &str, id: Option<&str>) -> Result<usize, WebhookError> {
        let webhook = self.stored(name).await?.webhook;
        if !webhook.enabled {
            return Err(WebhookError::Disabled(name.to_owned()));
        }
        let state = webhook.state();
        let letters = DeadLetter::list(self.records(), &state).await?;
        let wanted = letters.iter().filter(|letter| id.is_none_or(|id| letter.id == id));
        let wanted: Vec<u64> = wanted.map(|letter| letter.position).collect();
        if let Some(id) = id.filter(|_| wanted.is_empty()) {
            return Err(WebhookError::NoDeadLetter(id.to_owned()));
        }
        Progress::change(self.records(), &state, |progress| {
            progress.again.extend(&wanted);
            progress.again.sort_unstable();
            progress.again.dedup();
        })
        .await?;
        self.changed.send_replace(());
        Ok(wanted.len())
    }

    /// What deliveries count.
    pub fn meters(&self) -> &Meters {
        &self.meters
    }

    pub(crate) fn ports(&self) -> &Ports {
        &self.ports
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Tells of changes that come after this.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    pub(crate) async fn send(&self, stored: &Stored, notice: &Notice) -> Result<(), Failed> {
        let Stored { webhook, target, .. } = stored;
        let outgoing = target.dialect.compose(notice, &target.url, self.ports.clock.now());
        let outcome = self.post.send(outgoing, webhook.format).await;
        self.meters.attempted(&webhook.name, &outcome);
        outcome
    }

    async fn shown(&self, webhook: Webhook) -> Result<Shown, StoreError> {
        let state = webhook.state();
        let progress = Progress::get(self.records(), &state).await?.unwrap_or_default();
        let dead_letters = DeadLetter::list(self.records(), &state).await?.len();
        Ok(Shown { webhook, delivered_at: progress.delivered_at, trouble: progress.trouble, dead_letters })
    }

    async fn end_waiting(&self, webhook: &Webhook) -> Result<(), StoreError> {
        Progress::change(self.records(), &webhook.state(), |progress| progress.trouble = None).await?;
        Ok(())
    }

    async fn stored(&self, name: &str) -> Result<Stored, WebhookError> {
        let stored = Stored::get(self.records(), name).await?;
        stored.ok_or_else(|| WebhookError::Missing(name.to_owned()))
    }

    fn records(&self) -> &dyn Records {
        self.ports.records.as_ref()
    }
}
