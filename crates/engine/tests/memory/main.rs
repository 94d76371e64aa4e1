//! Thousands of orders one after the other: what they needed is given back. A process of its own, for memory is counted by process.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[expect(dead_code, reason = "one application is enough here")]
#[path = "../many/fleet.rs"]
mod fleet;
#[expect(dead_code, reason = "one application is enough here")]
#[path = "../many/virtual_clusters.rs"]
mod virtual_clusters;

use crate::fleet::{Fleet, actor};

/// Orders before memory is looked at for the first time: the database's caches fill up and stay.
const WARM_UP: u32 = 1000;
const ORDERS: u32 = 1000;
/// An order, a version, or its events are larger than this; what an allocator keeps back, spread over all orders, is far smaller.
const LEAK: u64 = 512;

/// Memory of this process that is in use, by the kernel's account.
fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let resident: u64 = pages.split(' ').nth(1).unwrap().parse().unwrap();
    resident * 4096
}

async fn scale_up_and_down(fleet: &Fleet, times: u32) {
    for number in 0..times {
        let replicas = if number % 2 == 0 { 5 } else { 4 };
        let order = fleet.engine.scale(fleet.apps[0], replicas, 600, actor()).await.unwrap();
        assert!(fleet.ended(order).await.status.is_terminal());
    }
    fleet.idle().await;
}

#[tokio::test]
async fn thousands_of_orders_leave_nothing_in_memory() {
    let fleet = Fleet::new(1, 8).await;
    fleet.run();
    scale_up_and_down(&fleet, WARM_UP).await;
    let before = resident_bytes();
    scale_up_and_down(&fleet, ORDERS).await;
    let growth = resident_bytes().saturating_sub(before);
    println!("{ORDERS} orders, {growth} bytes more than before, of {before}");
    assert_eq!(fleet.engine.running(), 0, "no order has a runner, a waker or a place any more");
    assert!(growth < u64::from(ORDERS) * LEAK, "{ORDERS} orders left {growth} bytes in memory");
    fleet.end().await;
}
