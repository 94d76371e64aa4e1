//! What the watches of one cluster have seen, and whether they still see.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kube::runtime::watcher::Event;
use serde_json::Value;
use sternway_core::observation::Observation;
use sternway_core::ports::ClusterError;

use crate::failure;
use crate::index::{Crashed, Index, Name};
use crate::kind::Kind;
use crate::signals::Signals;
use crate::watches::Watched;

/// An index that watches write and observers read.
#[derive(Debug)]
pub(crate) struct View {
    state: Mutex<State>,
    signals: Arc<Signals>,
}

#[derive(Debug, Default)]
struct State {
    index: Index,
    watches: [Health; Kind::ALL.len()],
}

#[derive(Debug, Clone, Default)]
enum Health {
    /// It has not seen everything once.
    #[default]
    Starting,
    /// It has, and sees what changes.
    Live,
    /// It does not, for this reason.
    Failed(ClusterError),
}

impl View {
    pub(crate) fn new(signals: Arc<Signals>) -> Self {
        Self { state: Mutex::default(), signals }
    }

    /// A workload, as far as all watches are live.
    pub(crate) fn observe(
        &self,
        name: &Name,
        log: impl FnMut(&Crashed) -> Option<String>,
    ) -> Result<Observation, ClusterError> {
        let state = self.lock();
        for (kind, health) in Kind::ALL.iter().zip(&state.watches) {
            match health {
                Health::Live => {}
                Health::Failed(error) => return Err(error.clone()),
                Health::Starting => {
                    return Err(failure::unreachable(format!(
                        "the first list of its {} is not complete yet",
                        kind.plural()
                    )));
                }
            }
        }
        Ok(state.index.observe(name, log))
    }

    /// A watch has something to tell.
    pub(crate) fn apply(&self, kind: Kind, event: Event<Watched>) {
        match event {
            Event::Init => self.begin(kind),
            Event::InitApply(object) | Event::Apply(object) => self.change(kind, object.json()),
            Event::InitDone => self.finish(kind),
            Event::Delete(object) => self.delete(kind, object.json()),
        }
    }

    /// A list of this kind begins.
    pub(crate) fn begin(&self, kind: Kind) {
        self.lock().index.begin(kind);
    }

    /// The list is complete.
    pub(crate) fn finish(&self, kind: Kind) {
        let mut state = self.lock();
        state.index.finish(kind);
        state.watches[kind as usize] = Health::Live;
        drop(state);
        self.signals.touch_all();
    }

    /// An object was listed, added or changed.
    pub(crate) fn change(&self, kind: Kind, object: &Value) {
        let touched = self.lock().index.apply(kind, object);
        self.signals.touch(&touched);
    }

    /// An object was deleted.
    pub(crate) fn delete(&self, kind: Kind, object: &Value) {
        let touched = self.lock().index.delete(kind, object);
        self.signals.touch(&touched);
    }

    /// A watch sees nothing any more.
    pub(crate) fn fail(&self, kind: Kind, error: ClusterError) {
        self.lock().watches[kind as usize] = Health::Failed(error);
        self.signals.touch_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use serde_json::json;

    use super::*;

    fn web() -> Name {
        Name { namespace: "shop".to_owned(), name: "web".to_owned() }
    }

    fn complete(view: &View, kind: Kind) {
        view.apply(kind, Event::Init);
        view.apply(kind, Event::InitDone);
    }

    fn observe(view: &View) -> Result<Observation, ClusterError> {
        view.observe(&web(), |_| None)
    }

    #[test]
    fn nothing_is_observed_until_everything_was_seen_once() {
        let view = View::new(Arc::default());
        for kind in Kind::ALL {
            let error = observe(&view).unwrap_err();
            assert!(error.is_transient() && error.to_string().contains(kind.plural()), "{error}");
            complete(&view, kind);
        }
        assert_eq!(observe(&view).unwrap(), Observation::Gone { pods: vec![] });
    }

    #[test]
    fn a_failure_and_the_recovery_from_it_are_told() {
        let signals = Arc::new(Signals::default());
        let view = View::new(Arc::clone(&signals));
        let woken = || signals.changed(&web()).now_or_never().is_some();
        Kind::ALL.iter().for_each(|kind| complete(&view, *kind));
        let object = json!({"metadata": {"uid": "d", "namespace": "shop", "name": "web"}});
        view.apply(Kind::Deployment, Event::Apply(Watched::from(object)));
        assert!(woken() && !woken());

        view.fail(Kind::Pod, failure::unreachable("connection refused".to_owned()));
        assert!(woken() && !woken());
        assert!(observe(&view).unwrap_err().to_string().contains("connection refused"));

        view.apply(Kind::Pod, Event::Init);
        assert!(observe(&view).is_err(), "until its list is complete it has not recovered");
        view.apply(Kind::Pod, Event::InitDone);
        assert!(woken() && !woken());
        assert!(matches!(observe(&view).unwrap(), Observation::Present(_)));
    }
}
