"""Swimming lanes on HTTPRoutes, and Deployments taken under management."""

import json

from harness.route import apply
from harness.suite import equal
from harness.waiting import eventually

from ..defaults import IMAGE, REGION
from ..world import LEFT_OUT, WAITING

TAG = "alicloud.service.tag"
BATCHES = {"type": "BatchUpdate", "batchUpdate": {"batch": 2, "releaseType": "manual"}}
RULES = [
    {
        "priority": 1,
        "path": "/traffic",
        "condition": "AND",
        "restItems": [{"type": "header", "name": "user", "value": "gray", "cond": "==", "operator": "rawvalue"}],
    }
]
SETTLE_SECONDS = 60


def swimming_lanes(world):
    """A lane is a Service of the pods with its tag and a rule of an HTTPRoute; it comes, changes and goes."""
    name = world.ids["name"]
    world.kubectl("expose", "deployment", name, "--port=80", "--target-port=8080")
    apply(world, "gateway.networking.k8s.io/v1", "Gateway", "edge", {"gatewayClassName": "any"})
    apps = {"AppIds": world.ids["app"], "EntryApp": f"EDAS:{world.ids['app']}"}
    group = world.call("InsertSwimmingLaneGroup", Name="first", **apps)["Data"]["Id"]
    equal(world.call("UpdateSwimmingLaneGroup", GroupId=group, Name="shop", **apps)["Data"]["Name"], "shop", "the group's name")
    equal(len(world.call("ListSwimmingLaneGroup", GroupId=group)["Data"]), 1, "the groups of that id")

    infos = [{"appId": world.ids["app"]}]
    lane = world.call("InsertSwimmingLane", GroupId=group, Name="gray", Tag="gray", EntryRules=RULES, EnableRules=True, AppInfos=infos)["Data"]["Id"]
    spec = world.json("httproute", f"{name}-lanes-{group}")["spec"]
    equal(spec["parentRefs"], [{"name": "edge"}], "what the route belongs to")
    equal(spec["rules"][0]["matches"][0]["headers"], [{"type": "Exact", "name": "user", "value": "gray"}], "the header that is looked for")
    service = f"{name}-lane-{lane}"
    equal(spec["rules"][0]["backendRefs"][0]["name"], service, "where the requests go")

    # The pods of the lane are those of a batch that is held.
    order = world.call(
        "DeployK8sApplication",
        order=WAITING,
        Image=f"{IMAGE}:gray",
        ImageTag=LEFT_OUT,
        Labels={"tier": "front", TAG: "gray"},
        BatchTimeout=600,
        BatchWaitTime=0,
        ChangeOrderDesc="a lane",
        Replicas=4,
        TrafficControlStrategy={},
        UpdateStrategy=BATCHES,
    )["ChangeOrderId"]
    selector = world.json("service", service)["spec"]["selector"]
    selected = lambda: world.json("pods", "-l", ",".join(f"{key}={value}" for key, value in selector.items()))["items"]
    equal({pod["spec"]["containers"][0]["image"] for pod in selected()}, {f"{IMAGE}:gray"}, "the images of the lane's pods")
    equal(len(selected()), 2, "the lane's pods")
    rollback = world.call("AbortAndRollbackChangeOrder", ChangeOrderId=order)["Data"]["ChangeOrderId"]
    world.wait(rollback, 2)
    eventually("the lane to be empty", lambda: selected() == [] or "not yet", SETTLE_SECONDS)

    share = [{"priority": 1, "restItems": [], "percent": 10}]
    world.call("UpdateSwimmingLane", LaneId=lane, Name="tenth", EnableRules=True, EntryRules=share, AppInfos=infos)
    weights = [(to["name"], to["weight"]) for to in world.json("httproute", f"{name}-lanes-{group}")["spec"]["rules"][0]["backendRefs"]]
    equal(weights, [(service, 10), (name, 90)], "the shares")
    equal(world.call("ListSwimmingLane", GroupId=group)["Data"][0]["Name"], "tenth", "the lane as it is listed")
    equal(world.call("DeleteSwimmingLane", LaneId=lane)["Data"], lane, "the id of the lane that is gone")
    equal(world.kubectl("get", "httproute,service", "-l", f"sternway.io/lane-group={group}", "-o", "name").strip(), "", "what is left of the lane")
    world.kubectl("delete", "service", name)


def migration(world):
    """A Deployment that kubectl made is taken under management, and its pods do not notice."""
    if world.sdk.parameters("MigrateApplication") is None:
        return
    world.kubectl("create", "deployment", "found", f"--image={IMAGE}:v1", "--replicas=2")
    world.kubectl("rollout", "status", "deployment/found", "--timeout=60s")
    state = lambda: (sorted(pod["metadata"]["name"] for pod in world.json("pods", "-l", "app=found")["items"]), world.json("deployment", "found")["spec"])
    before = state()
    item = {"app_name": "found", "cluster_id": world.ids["cluster"], "k8sNamespace": "default", "logical_region_id": REGION}
    app = migrated(world, 1, cmd="import", rawData={"app_info": [item]}, appIds=LEFT_OUT)
    equal(state(), before, "the pods and the Deployment after the import")
    equal(world.json("deployment", "found")["metadata"]["generation"], 1, "the generation of the Deployment")
    equal(migrated(world, 2, cmd="export", rawData=LEFT_OUT, appIds=app), app, "the application that is exported")
    # It is one of ours now.
    world.call("ScaleK8sApplication", AppId=app, Replicas=3)
    equal(world.json("deployment", "found")["spec"]["replicas"], 3, "the pods that are wanted")
    world.call("DeleteK8sApplication", AppId=app, Force=True)


def migrated(world, kind, **values):
    """Begins a migration that has to succeed for one application; returns its id."""
    migration = world.call("MigrateApplication", config={"withBinary": False}, **values)["data"]["migrationId"]
    shown = world.call("GetMigrateApplication", migrationId=migration, migrationType=kind)["data"]["result"][0]
    states = list(json.loads(shown["appDetailState"]).values())
    equal([state["state"] for state in states], ["success"], f"how the applications fared ({states})")
    return states[0]["app_id"]
