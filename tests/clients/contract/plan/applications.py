"""Applications: made, changed, shown, and their change orders."""

import json

from harness.suite import equal

from ..defaults import IMAGE, REGION
from ..world import LEFT_OUT, WAITING

BATCHES = {"type": "BatchUpdate", "batchUpdate": {"batch": 2, "releaseType": "manual"}}


def create(world):
    """InsertK8sApplication, with what an application of an image may have."""
    body = world.call(
        "InsertK8sApplication",
        AppName=f"shop-{world.name}",
        ClusterId=world.ids["cluster"],
        CsClusterId=LEFT_OUT,
        PackageType="Image",
        ImageUrl=f"{IMAGE}:v1",
        Replicas=4,
        WorkloadType="Deployment",
        SecretName="registry-login",
        ResourceGroupId="shop",
        ServiceConfigs=LEFT_OUT,
        # A load balancer has a family of its own.
        InternetSlbId=LEFT_OUT,
        InternetSlbPort=LEFT_OUT,
        InternetSlbProtocol=LEFT_OUT,
        InternetTargetPort=LEFT_OUT,
        IntranetSlbId=LEFT_OUT,
        IntranetSlbPort=LEFT_OUT,
        IntranetSlbProtocol=LEFT_OUT,
        IntranetTargetPort=LEFT_OUT,
    )
    world.ids["app"] = body["ApplicationInfo"]["AppId"]
    world.ids["name"] = f"shop-{world.name}"
    container = world.json("deployment", world.ids["name"])["spec"]["template"]["spec"]["containers"][0]
    equal(container["image"], f"{IMAGE}:v1", "the image on the cluster")
    equal(container["resources"]["limits"]["memory"], "512Mi", "the limit on the cluster")


def show(world):
    """What only reads."""
    # An image brings its own runtime: there are no components.
    world.call("GetK8sApplication", From="console", empty=["Applcation.DeployGroups[].Components"])
    world.call("GetApplication")
    world.call("ListApplication", AppIds=[world.ids["app"]], AppName=world.ids["name"], LogicalRegionIdFilter=REGION, ResourceGroupId="shop")
    world.call("QueryApplicationStatus")
    world.call("DescribeAppInstanceList", WithNodeInfo=True)
    deployment = world.call("GetAppDeployment")
    equal(json.loads(deployment["Data"])["metadata"]["name"], world.ids["name"], "the Deployment in the answer")
    world.call("ListHistoryDeployVersion")
    body = world.call("ListRecentChangeOrder")
    world.ids["order"] = body["ChangeOrderList"]["ChangeOrder"][0]["ChangeOrderId"]


def release(world):
    """A release in batches: shown, continued, aborted, rolled back."""

    def deploy(tag, **more):
        values = {"Image": f"{IMAGE}:{tag}", "ImageTag": LEFT_OUT, "UpdateStrategy": BATCHES, **more}
        body = world.call(
            "DeployK8sApplication",
            order=WAITING,
            BatchTimeout=600,
            BatchWaitTime=0,
            ChangeOrderDesc="a release",
            Replicas=4,
            TrafficControlStrategy={},
            VolumesStr=LEFT_OUT,
            **values,
        )
        world.ids["order"] = body["ChangeOrderId"]
        return world.ids["order"]

    def pipelines():
        return world.order(world.ids["order"])["PipelineInfoList"]["PipelineInfo"]

    first = deploy("v2")
    world.call("GetChangeOrderInfo")
    world.call("ContinuePipeline", PipelineId=pipelines()[1]["PipelineId"], Confirm=True)
    world.wait(first, 2)
    equal(world.images(), {f"{IMAGE}:v2"}, "the images of the pods")

    second = deploy("ignored", Image=LEFT_OUT, ImageTag="v3")
    world.call("AbortChangeOrder")
    world.wait(second, 6)
    equal(world.images(), {f"{IMAGE}:v2", f"{IMAGE}:v3"}, "the images of the pods")

    # Back to what runs on the other half.
    world.call(
        "DeployK8sApplication",
        **{name: LEFT_OUT for name in world.parameters("DeployK8sApplication") if name not in ("AppId", "PackageVersionId")},
        PackageVersionId=world.call("ListHistoryDeployVersion")["PackageVersionList"]["PackageVersion"][1]["Id"],
    )
    equal(world.images(), {f"{IMAGE}:v2"}, "the images of the pods")

    deploy("v4")
    body = world.call("AbortAndRollbackChangeOrder")
    world.wait(body["Data"]["ChangeOrderId"], 2)
    equal(world.images(), {f"{IMAGE}:v2"}, "the images of the pods")


def change(world):
    """What changes an application otherwise."""
    world.call("UpdateK8sApplicationBaseInfo", Description="still the shop", Email="shop@example.com", Owner="the shop's team", PhoneNumber="1")
    world.call(
        "UpdateK8sApplicationConfig",
        CpuLimit="1",
        CpuRequest="0",
        McpuLimit="600",
        McpuRequest="200",
        MemoryLimit="640",
        MemoryRequest="256",
        EphemeralStorageLimit="2",
        EphemeralStorageRequest="1",
    )
    resources = world.json("deployment", world.ids["name"])["spec"]["template"]["spec"]["containers"][0]["resources"]
    equal(resources["limits"]["memory"], "640Mi", "the limit on the cluster")
    world.call("ScaleK8sApplication", Replicas=3)
    world.call("RestartK8sApplication")
    world.call("StopK8sApplication")
    equal(world.json("deployment", world.ids["name"])["spec"]["replicas"], 0, "pods of a stopped application")
    world.call("StartK8sApplication", Replicas=2)
    equal(world.json("deployment", world.ids["name"])["spec"]["replicas"], 2, "pods of a started application")


def delete(world):
    """The end of it."""
    world.call("DeleteK8sApplication", Force=True)
    equal(world.kubectl("get", "deployment", "-l", f"sternway.io/app-id={world.ids['app']}", "-o", "name"), "", "what is left")
