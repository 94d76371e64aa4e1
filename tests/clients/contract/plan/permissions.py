"""Applications that a user is let to see and operate: those of a resource group, or those that are named."""

import json

from harness.suite import equal
from python.generations import GatewayRefusal


def grants(world):
    """A user without policies sees and scales what EDAS's own grants let it, and no more."""
    world.sternway("user", "create", "helper")
    key = json.loads(world.sternway("key", "create", "--user", "helper", "-o", "json"))
    user = world.generation(world.server.host, key["AccessKeyId"], key["AccessKeySecret"])
    app, replicas = world.ids["app"], world.json("deployment", world.ids["name"])["spec"]["replicas"]

    def may_nothing():
        equal(user.call("ListApplication")["ApplicationList"]["Application"], [], "the applications that the user sees")
        try:
            body = user.call("ScaleK8sApplication", AppId=app, Replicas=1)
        except GatewayRefusal as refusal:
            equal(refusal.code, "Forbidden.RAM", "how the user is refused")
        else:
            raise AssertionError(f"the user was let scale: {body}")

    def may_scale(wanted):
        seen = [listed["AppId"] for listed in user.call("ListApplication")["ApplicationList"]["Application"]]
        equal(seen, [app], "the applications that the user sees")
        world.wait(user.call("ScaleK8sApplication", AppId=app, Replicas=wanted)["ChangeOrderId"], 2)
        equal(world.json("deployment", world.ids["name"])["spec"]["replicas"], wanted, "the pods that the user wants")

    may_nothing()
    # There are no hosts and no load balancers of a group's own.
    listed = world.call("ListResourceGroup", empty=["ResourceGroupList[].SlbList", "ResourceGroupList[].ecsList"])
    [group] = [group["Id"] for group in listed["ResourceGroupList"]["ResGroupEntity"] if group["Name"] == "shop"]
    world.call("AuthorizeResourceGroup", TargetUserId="helper", ResourceGroupIds=str(group))
    may_scale(replicas + 1)
    world.call("AuthorizeResourceGroup", TargetUserId="helper", ResourceGroupIds="")
    may_nothing()
    world.call("AuthorizeApplication", TargetUserId="helper", AppIds=app)
    may_scale(replicas)
    world.call("AuthorizeApplication", TargetUserId="helper", AppIds="")
    may_nothing()
