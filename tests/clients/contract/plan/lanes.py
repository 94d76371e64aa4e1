"""Swimming lanes, and taking over what runs already."""

import json

from harness.suite import equal

from ..defaults import REGION
from ..world import LEFT_OUT

HEADER = [{"type": "header", "name": "user", "value": "gray", "cond": "==", "operator": "rawvalue"}]
RULES = [{"priority": 1, "path": "/", "condition": "AND", "restItems": HEADER}]


def swimming_lanes(world):
    """A group of applications, and a lane through it."""
    world.apply_gateway()
    app = world.ids["app"]
    entry = f"EDAS:{app}"
    group = world.call("InsertSwimmingLaneGroup", Name="shop", EntryApp=entry, AppIds=app)["Data"]["Id"]
    world.call("UpdateSwimmingLaneGroup", GroupId=group, Name="shop 2", EntryApp=entry, AppIds=app)
    world.call("ListSwimmingLaneGroup", GroupId=group)
    apps = [{"appId": app}]
    lane = world.call(
        "InsertSwimmingLane", GroupId=group, Name="gray", Tag="gray", EnableRules=True, EntryRules=RULES, AppInfos=apps
    )["Data"]["Id"]
    world.call("UpdateSwimmingLane", LaneId=lane, Name="grayer", EnableRules=True, EntryRules=RULES, AppInfos=apps)
    world.call("ListSwimmingLane", GroupId=group)
    routes = world.json("httproutes")["items"]
    equal(routes[0]["spec"]["rules"][0]["matches"][0]["headers"][0]["name"], "user", "the route on the cluster")
    world.call("DeleteSwimmingLane", LaneId=lane)
    equal(world.json("httproutes")["items"], [], "routes after the lane was deleted")


def migration(world):
    """An application is described, and taken over from the description."""
    if world.sdk.parameters("MigrateApplication") is None:
        return
    exported = world.call("MigrateApplication", cmd="export", appIds=world.ids["app"], config="{}", rawData=LEFT_OUT)
    shown = world.call("GetMigrateApplication", migrationId=exported["data"]["migrationId"], migrationType=2)
    equal(shown["data"]["result"][0]["state"], "success", "how the export went")
    document = shown["data"]["result"][0]["extraInfo"]["appJsonFile"]
    world.call("MigrateApplication", cmd="import", appIds=LEFT_OUT, config=LEFT_OUT, rawData=document)
    json.loads(document)


def places(world):
    """Regions, networks, resource groups and what else belongs to an account."""
    world.call("ListAliyunRegion")
    world.call("ListVpc", empty=["VpcList"])
    world.call("ListResourceGroup", empty=["ResourceGroupList[].SlbList", "ResourceGroupList[].ecsList"])
    world.call("QueryRegionConfig")
    world.call("GetSecureToken", NamespaceId=REGION)
    world.call("CreateIDCImportCommand")
