//! Waking those who wait for a workload to change.
//!
//! Level-triggered: each workload has a number that grows with every change, and a waiter comes back at once if it has grown
//! since the last time that a wait for it ended. Observing does not reset it, so that an observer beside the one who waits
//! (a status page beside an order) takes no wake-up away; the price is that one wake-up may tell what is known already.
//!
//! A number that nobody waits for at the moment may be forgotten: whoever waits next comes back at once. So there are never many more
//! numbers than waiters, however many workloads come and go in the life of a process.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::index::{Name, Touched};

/// The signals of one cluster. They outlive its connections: a waiter waits for the cluster, whichever way it is reached.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    /// Namespace by namespace, because a budget touches all of one.
    workloads: Mutex<Workloads>,
}

#[derive(Debug, Default)]
struct Workloads {
    by_namespace: HashMap<String, BTreeMap<String, Arc<Signal>>>,
    count: usize,
    /// How many there may be before those that nobody waits for are forgotten.
    sweep_at: usize,
}

/// Fewer are not worth a sweep.
const FEW: usize = 64;

#[derive(Debug)]
struct Signal {
    changes: watch::Sender<u64>,
    told: AtomicU64,
}

impl Signals {
    /// Returns when the workload may have changed since this returned the last time for it.
    pub(crate) async fn changed(&self, name: &Name) {
        let signal = self.signal(name);
        let mut changes = signal.changes.subscribe();
        let told = signal.told.load(Ordering::SeqCst);
        // Fails only when the sender is gone, and we hold it.
        if let Ok(now) = changes.wait_for(|now| *now > told).await {
            signal.told.fetch_max(*now, Ordering::SeqCst);
        }
    }

    /// Wakes the waiters of what was touched.
    pub(crate) fn touch(&self, touched: &Touched) {
        let workloads = self.lock();
        match touched {
            Touched::Workloads(names) => {
                for name in names {
                    let in_namespace = workloads.by_namespace.get(&name.namespace);
                    if let Some(signal) = in_namespace.and_then(|it| it.get(&name.name)) {
                        signal.wake();
                    }
                }
            }
            Touched::Namespace(namespace) => {
                let in_namespace = workloads.by_namespace.get(namespace);
                in_namespace.into_iter().flatten().for_each(|(_, signal)| signal.wake());
            }
        }
    }

    /// Wakes all waiters.
    pub(crate) fn touch_all(&self) {
        let workloads = self.lock();
        workloads.by_namespace.values().flatten().for_each(|(_, signal)| signal.wake());
    }

    fn signal(&self, name: &Name) -> Arc<Signal> {
        let mut workloads = self.lock();
        let known = workloads.by_namespace.get(&name.namespace).and_then(|names| names.get(&name.name));
        if let Some(signal) = known {
            return Arc::clone(signal);
        }
        workloads.sweep();
        let signal = Arc::new(Signal::new());
        let in_namespace = workloads.by_namespace.entry(name.namespace.clone()).or_default();
        in_namespace.insert(name.name.clone(), Arc::clone(&signal));
        workloads.count += 1;
        signal
    }

    fn lock(&self) -> MutexGuard<'_, Workloads> {
        self.workloads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Workloads {
    /// Forgets what nobody waits for, each time that there is twice as much as was left the last time.
    fn sweep(&mut self) {
        if self.count < self.sweep_at.max(FEW) {
            return;
        }
        self.by_namespace.retain(|_, names| {
            // A waiter holds one, from before it subscribes to after it was told; it gets one only under our lock.
            names.retain(|_, signal| Arc::strong_count(signal) > 1);
            !names.is_empty()
        });
        self.count = self.by_namespace.values().map(BTreeMap::len).sum();
        self.sweep_at = self.count * 2;
    }
}

impl Signal {
    /// The first wait ends at once: nobody knows what happened before it.
    fn new() -> Self {
        Self { changes: watch::Sender::new(1), told: AtomicU64::new(0) }
    }

    fn wake(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn name(namespace: &str, name: &str) -> Name {
        Name { namespace: namespace.to_owned(), name: name.to_owned() }
    }

    fn is_woken(signals: &Signals, name: &Name) -> bool {
        signals.changed(name).now_or_never().is_some()
    }

    #[test]
    fn a_change_wakes_its_workload_once() {
        let signals = Signals::default();
        let (web, api) = (name("shop", "web"), name("shop", "api"));
        assert!(is_woken(&signals, &web) && is_woken(&signals, &api), "the first time");
        assert!(!is_woken(&signals, &web));
        signals.touch(&Touched::Workloads(vec![web.clone()]));
        assert!(!is_woken(&signals, &api));
        assert!(is_woken(&signals, &web));
        assert!(!is_woken(&signals, &web));
    }

    #[test]
    fn a_namespace_wakes_what_is_in_it() {
        let signals = Signals::default();
        let (here, there) = (name("shop", "web"), name("bank", "web"));
        assert!(is_woken(&signals, &here) && is_woken(&signals, &there));
        signals.touch(&Touched::Namespace("shop".to_owned()));
        assert!(is_woken(&signals, &here));
        assert!(!is_woken(&signals, &there));
        signals.touch_all();
        assert!(is_woken(&signals, &here) && is_woken(&signals, &there));
    }

    #[test]
    fn what_nobody_waits_for_is_forgotten_and_who_waits_is_woken() {
        let signals = Signals::default();
        let web = name("shop", "web");
        assert!(is_woken(&signals, &web));
        let mut waiting = Box::pin(signals.changed(&web));
        assert!((&mut waiting).now_or_never().is_none());
        for number in 0..10 * FEW {
            assert!(is_woken(&signals, &name(&format!("namespace-{}", number % 7), &format!("app-{number}"))));
            assert!(signals.lock().count <= FEW, "workloads that come and go leave nothing behind");
        }
        assert!((&mut waiting).now_or_never().is_none());
        signals.touch(&Touched::Workloads(vec![web.clone()]));
        assert!(waiting.now_or_never().is_some(), "a waiter is never forgotten");
        assert!(!is_woken(&signals, &web));
    }

    #[test]
    fn a_wait_that_was_given_up_loses_nothing() {
        let signals = Signals::default();
        let web = name("shop", "web");
        assert!(is_woken(&signals, &web));
        let mut waiting = Box::pin(signals.changed(&web));
        assert!((&mut waiting).now_or_never().is_none());
        signals.touch_all();
        drop(waiting);
        assert!(is_woken(&signals, &web), "it was woken, but nobody was told");
    }
}
