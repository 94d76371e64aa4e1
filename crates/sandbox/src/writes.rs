//! The one write path, used by the API and by controllers alike.
//!
//! Every write is: preconditions ► carry over what the writer may not set ► admission ► default ► validate ►
//! generation ► "did anything change?" ► store. [`Writes`] bundles what a write needs besides its input: the store, the
//! time and the randomness, so that the rest is a function of its arguments.

use std::sync::Arc;

use jiff::Timestamp;
use rand::Rng;
use rand::rngs::StdRng;
use serde_json::Value;

use crate::resources::Resource;
use crate::status::Status;
use crate::storage::Storage;

mod admission;
mod create;
mod delete;
mod update;

pub use delete::{DeleteOptions, Deletion, Propagation};

/// A store open for writing at one moment.
#[derive(Debug)]
pub struct Writes<'a> {
    pub storage: &'a mut Storage,
    pub rng: &'a mut StdRng,
    pub now: Timestamp,
    /// Does everything but store: answers are as they would be, without a resourceVersion for creates.
    pub dry_run: bool,
    /// Who writes, for `metadata.managedFields`. `None` leaves managedFields alone: controllers.
    pub manager: Option<Manager>,
}

/// The author of a write, as managedFields name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manager {
    pub name: String,
    /// The write is a server-side apply.
    pub apply: bool,
    /// The subresource written through ("" for the object itself).
    pub subresource: &'static str,
}

/// The part of an object that an update may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Everything but `status`, where the resource has a status subresource.
    Main,
    /// `status` (and what the kind lets through in metadata).
    Status,
}

impl<'a> Writes<'a> {
    /// Writes of a controller: not dry, no manager.
    pub fn new(storage: &'a mut Storage, rng: &'a mut StdRng, now: Timestamp) -> Self {
        Self { storage, rng, now, dry_run: false, manager: None }
    }

    /// Creates an object in `namespace` ("" for cluster scope); the object may leave out namespace, kind and
    /// apiVersion.
    ///
    /// # Errors
    /// 404 without the namespace, 403 in a terminating one or by admission, 409 when it exists, 422 when invalid.
    pub fn create(
        &mut self,
        resource: &'static Resource,
        namespace: &str,
        object: Value,
    ) -> Result<Arc<Value>, Status> {
        create::create(self, resource, namespace, object)
    }

    /// Replaces an object, with PUT semantics: `metadata.resourceVersion` and `metadata.uid`, where given, are
    /// preconditions; status is left as it was; an unchanged object keeps its resourceVersion.
    ///
    /// Removing the last finalizer of a deleted object removes the object; the answer is then its last state.
    ///
    /// # Errors
    /// 404 when absent, 409 on a failed precondition, 422 when invalid.
    pub fn update(
        &mut self,
        resource: &'static Resource,
        namespace: &str,
        name: &str,
        object: Value,
    ) -> Result<Arc<Value>, Status> {
        update::update(self, resource, namespace, name, Part::Main, object)
    }

    /// As [`Writes::update`] on the status subresource: only status changes.
    ///
    /// # Errors
    /// As [`Writes::update`].
    pub fn update_status(
        &mut self,
        resource: &'static Resource,
        namespace: &str,
        name: &str,
        object: Value,
    ) -> Result<Arc<Value>, Status> {
        update::update(self, resource, namespace, name, Part::Status, object)
    }

    /// Reads, changes and updates an object in one step, so that nothing can come between.
    ///
    /// # Errors
    /// As [`Writes::update`].
    pub fn modify(
        &mut self,
        resource: &'static Resource,
        namespace: &str,
        name: &str,
        part: Part,
        change: impl FnOnce(&mut Value),
    ) -> Result<Arc<Value>, Status> {
        let stored = self.storage.get(resource, namespace, name).ok_or_else(|| Status::not_found(resource, name))?;
        let mut object = Value::clone(stored);
        change(&mut object);
        update::update(self, resource, namespace, name, part, object)
    }

    /// As [`Writes::modify`], without admission, validation or generation: for what only the system does, such as
    /// binding a pod.
    ///
    /// # Errors
    /// 404 when absent.
    pub fn modify_unchecked(
        &mut self,
        resource: &'static Resource,
        namespace: &str,
        name: &str,
        change: impl FnOnce(&mut Value),
    ) -> Result<Arc<Value>, Status> {
        let stored = self.storage.get(resource, namespace, name).ok_or_else(|| Status::not_found(resource, name))?;
        let mut object = Value::clone(stored);
        change(&mut object);
        if object == **stored {
            return Ok(Arc::clone(stored));
        }
        if self.dry_run {
            return Ok(Arc::new(object));
        }
        Ok(self.storage.put(resource, object))
    }

    /// Deletes an object, or marks it as deleted while finalizers or a grace period hold it.
    ///
    /// # Errors
    /// 404 when absent, 409 on a failed precondition.
    pub fn delete(
        &mut self,
        resource: &'static Resource,
        namespace: &str,
        name: &str,
        options: &DeleteOptions,
    ) -> Result<Deletion, Status> {
        delete::delete(self, resource, namespace, name, options)
    }

    /// A random uid.
    pub fn new_uid(&mut self) -> String {
        uuid::Builder::from_random_bytes(self.rng.random()).into_uuid().to_string()
    }

    /// `count` random characters of the alphabet that generated names use (no vowels, no look-alikes).
    pub fn random_suffix(&mut self, count: usize) -> String {
        const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        (0..count).map(|_| char::from(ALPHABET[self.rng.random_range(0..ALPHABET.len())])).collect()
    }
}
