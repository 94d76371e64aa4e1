//! Deliberately broken engines: each takes one safeguard away, in the ports around the engine, to prove that the simulation would notice.

/// What is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breakage {
    /// The floor is not checked before a write.
    FloorUnchecked,
    /// Nobody is asked between the read and the write.
    GuardIgnored,
    /// The store takes steps of servers that lost their lease.
    StoreFenceIgnored,
    /// Patches carry no resourceVersion.
    PreconditionDropped,
    /// An effect is performed before the step that decided it is stored.
    EffectsBeforeCommit,
    /// An abort stops whatever order the application has now.
    AbortByApplication,
    /// Scaling adds to the present number, so that doing it twice does more.
    ScaleByDifference,
    /// An observation from before a write counts as one after it.
    StaleObservations,
    /// The last patch takes the marks off and leaves the borrowed fields.
    BorrowedKept,
    /// Going back sets the image, not the whole template.
    RollbackByImage,
    /// A commit is answered and not stored.
    CommitsLost,
    /// All servers share each lease.
    LeasesShared,
    /// Asked again, AbortAndRollback begins another rollback.
    RollbackRepeated,
    /// The line that goes back without Sternway is not written.
    RestoreLineMissing,
    /// The line that goes back without Sternway leaves the hold in place.
    RestoreLineKeepsHold,
    /// The store lets an application have two active orders.
    TwoActiveOrders,
}

impl Breakage {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::FloorUnchecked,
        Self::GuardIgnored,
        Self::StoreFenceIgnored,
        Self::PreconditionDropped,
        Self::EffectsBeforeCommit,
        Self::AbortByApplication,
        Self::ScaleByDifference,
        Self::StaleObservations,
        Self::BorrowedKept,
        Self::RollbackByImage,
        Self::CommitsLost,
        Self::LeasesShared,
        Self::RollbackRepeated,
        Self::RestoreLineMissing,
        Self::RestoreLineKeepsHold,
        Self::TwoActiveOrders,
    ];
}
