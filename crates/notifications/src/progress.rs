//! How far a webhook is, and what it was not given: what a crash must not lose.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sternway_core::ports::{Kept, Records, StoreError, Stored};

use crate::schedule::{Cause, Count};

/// The most dead letters of one webhook; older ones make room.
pub const MOST_DEAD_LETTERS: usize = 500;
/// How long one is kept.
const DEAD_LETTER_AGE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Failures in a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Trouble {
    /// The event that is to be tried again, if one is.
    pub(crate) position: Option<u64>,
    pub(crate) cause: Cause,
    pub(crate) count: Count,
    /// When the first of them was.
    pub since: Timestamp,
    /// When the next attempt is.
    pub until: Timestamp,
    /// Why, for people.
    pub reason: String,
}

impl Trouble {
    /// How many there were.
    pub fn failures(&self) -> u32 {
        self.count.in_a_row
    }
}

/// The right to deliver, of one server among several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Claim {
    pub(crate) holder: String,
    pub(crate) until: Timestamp,
}

/// How far a webhook is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Progress {
    /// Events up to this position were delivered, given up, or are none of its business.
    pub(crate) position: u64,
    pub(crate) trouble: Option<Trouble>,
    /// When the last event was delivered.
    pub(crate) delivered_at: Option<Timestamp>,
    /// Dead letters that are to be delivered once more, by position.
    pub(crate) again: Vec<u64>,
    pub(crate) claim: Option<Claim>,
}

impl Kept for Progress {
    const KIND: &'static str = "webhook-progress";
}

impl Progress {
    pub(crate) async fn get(records: &dyn Records, state: &str) -> Result<Option<Self>, StoreError> {
        Ok(Stored::<Self>::get(records, state).await?.map(|stored| stored.value))
    }

    /// The progress as stored; one that begins at `from` where there is none yet.
    pub(crate) async fn ensure(records: &dyn Records, state: &str, from: u64) -> Result<Self, StoreError> {
        loop {
            if let Some(progress) = Self::get(records, state).await? {
                return Ok(progress);
            }
            let begun = Self { position: from, ..Self::default() };
            // False: another server was faster.
            Stored::new(state, state, begun).put(records).await?;
        }
    }

    /// Changes it where it is stored; false if it is gone, as its webhook is.
    pub(crate) async fn change(
        records: &dyn Records,
        state: &str,
        change: impl Fn(&mut Self) + Send,
    ) -> Result<bool, StoreError> {
        while let Some(mut stored) = Stored::<Self>::get(records, state).await? {
            change(&mut stored.value);
            if stored.put(records).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes the right to deliver until `until`, or answers until when another server has it.
    pub(crate) async fn claim(
        records: &dyn Records,
        state: &str,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Result<(), Timestamp>, StoreError> {
        while let Some(mut stored) = Stored::<Self>::get(records, state).await? {
            match &stored.value.claim {
                Some(claim) if claim.holder != holder && claim.until > now => return Ok(Err(claim.until)),
                Some(claim)
                    if claim.holder == holder
                        && until.duration_since(claim.until) < claim.until.duration_since(now) =>
                {
                    // More than half of it is left.
                    return Ok(Ok(()));
                }
                Some(_) | None => {}
            }
            stored.value.claim = Some(Claim { holder: holder.to_owned(), until });
            if stored.put(records).await? {
                return Ok(Ok(()));
            }
        }
        Ok(Err(now))
    }
}

/// An event that a webhook was not given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeadLetter {
    /// The event's position among the events of all orders.
    pub(crate) position: u64,
    /// The id under which it was, and will be, delivered.
    pub id: String,
    /// CloudEvents' type.
    pub kind: String,
    /// The order.
    pub change_order_id: String,
    /// The application.
    pub app_id: String,
    /// Its name.
    pub app_name: String,
    /// Why, for people.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When the event happened.
    pub happened_at: Timestamp,
    /// When it was given up.
    pub given_up_at: Timestamp,
}

impl Kept for DeadLetter {
    const KIND: &'static str = "webhook-dead-letter";
}

impl DeadLetter {
    fn record(state: &str, position: u64) -> String {
        format!("{state}/{position}")
    }

    pub(crate) async fn get(records: &dyn Records, state: &str, position: u64) -> Result<Option<Self>, StoreError> {
        Ok(Stored::<Self>::get(records, &Self::record(state, position)).await?.map(|stored| stored.value))
    }

    /// Those of a webhook, oldest event first.
    pub(crate) async fn list(records: &dyn Records, state: &str) -> Result<Vec<Self>, StoreError> {
        let stored = Stored::<Self>::list(records, Some(state)).await?;
        let mut letters: Vec<Self> = stored.into_iter().map(|stored| stored.value).collect();
        letters.sort_by_key(|letter| letter.position);
        Ok(letters)
    }

    /// Keeps it, in place of one of the same event, and removes what is too old or too much.
    pub(crate) async fn keep(&self, records: &dyn Records, state: &str) -> Result<(), StoreError> {
        let id = Self::record(state, self.position);
        loop {
            let mut stored = match Stored::<Self>::get(records, &id).await? {
                Some(stored) => Stored { value: self.clone(), ..stored },
                None => Stored::new(&id, state, self.clone()),
            };
            if stored.put(records).await? {
                break;
            }
        }
        let all = Self::list(records, state).await?;
        let too_many = all.len().saturating_sub(MOST_DEAD_LETTERS);
        for (at, letter) in all.iter().enumerate() {
            if at < too_many || self.given_up_at.duration_since(letter.given_up_at) > DEAD_LETTER_AGE {
                Self::remove(records, state, letter.position).await?;
            }
        }
        Ok(())
    }

    pub(crate) async fn remove(records: &dyn Records, state: &str, position: u64) -> Result<(), StoreError> {
        records.delete_record(Self::KIND, &Self::record(state, position)).await?;
        Ok(())
    }
}

/// All that is stored of how far webhooks are.
pub(crate) struct States {
    progress: Vec<Stored<Progress>>,
    letters: Vec<Stored<DeadLetter>>,
}

impl States {
    pub(crate) async fn read(records: &dyn Records) -> Result<Self, StoreError> {
        Ok(Self { progress: Stored::list(records, None).await?, letters: Stored::list(records, None).await? })
    }

    /// Removes the state of webhooks that are gone.
    pub(crate) async fn sweep(self, records: &dyn Records, is_there: impl Fn(&str) -> bool) -> Result<(), StoreError> {
        for stored in self.letters.iter().filter(|stored| !is_there(&stored.owner)) {
            stored.delete(records).await?;
        }
        for stored in self.progress.iter().filter(|stored| !is_there(&stored.owner)) {
            stored.delete(records).await?;
        }
        Ok(())
    }
}
