"""Applications: made, changed, shown, and their change orders."""

import json

from harness.route import TO_GRAY_BATCH, Route
from harness.suite import contains, equal

from ..defaults import IMAGE, REGION
from ..world import FAILED, LEFT_OUT, SUCCEEDED, WAITING
from . import pods

ALIBABA = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-"
BATCHES = {"type": "BatchUpdate", "batchUpdate": {"batch": 2, "releaseType": "manual"}}
GRAY_BATCHES = {"type": "GrayBatchUpdate", "batchUpdate": {"batch": 2, "releaseType": "manual"}, "grayUpdate": {"gray": 1}}
# The exit code of `sternway order watch` for a release that needs a person because it failed.
HELD = 3
# A deploy in one batch.
AT_ONCE = {
    "BatchTimeout": 600,
    "BatchWaitTime": 0,
    "ChangeOrderDesc": "at once",
    "Replicas": LEFT_OUT,
    "TrafficControlStrategy": LEFT_OUT,
    "UpdateStrategy": {"type": "BatchUpdate", "batchUpdate": {"batch": 1, "releaseType": "auto", "batchWaitTime": 0}},
}


# What InsertK8sApplication may make beside the application.
WITHOUT_SERVICES = {
    name: LEFT_OUT
    for name in ["ServiceConfigs"]
    + [f"{kind}{what}" for kind in ("Internet", "Intranet") for what in ("SlbId", "SlbPort", "SlbProtocol", "TargetPort")]
}


def create(world):
    """InsertK8sApplication, with what an application of an image may have."""
    name = f"shop-{world.name}"
    common = {"PackageType": "Image", "ResourceGroupId": "shop", "SecretName": "registry-login", "WorkloadType": "Deployment"}
    body = world.call(
        "InsertK8sApplication", AppName=name, CsClusterId=LEFT_OUT, ImageUrl=f"{IMAGE}:v1", Replicas=4, **WITHOUT_SERVICES, **common
    )
    world.ids["app"] = body["ApplicationInfo"]["AppId"]
    world.ids["name"] = name
    deployment = world.json("deployment", name)
    equal((deployment["spec"]["replicas"], world.images()), (4, {f"{IMAGE}:v1"}), "pods and images on the cluster")
    spec = deployment["spec"]["template"]["spec"]
    equal(spec["imagePullSecrets"], [{"name": "registry-login"}], "SecretName on the cluster")
    # Millicores win over cores.
    wanted = {
        "limits": {"cpu": "500m", "memory": "512Mi", "ephemeral-storage": "1Gi"},
        "requests": {"cpu": "100m", "memory": "128Mi", "ephemeral-storage": "1Gi"},
    }
    equal(spec["containers"][0]["resources"], wanted, "limits and requests on the cluster")
    pods.check(world, pods.FIRST, world.sdk.parameters("InsertK8sApplication"))


def create_with_services(world):
    """InsertK8sApplication, with Services and load balancers, spread over nodes, on a cluster that is named by its own id."""
    cluster = world.call("GetCluster")["Cluster"]
    slb = {}
    for kind, port in (("Internet", 80), ("Intranet", 81)):
        slb |= {f"{kind}SlbId": f"lb-{kind.lower()}", f"{kind}SlbPort": port, f"{kind}TargetPort": 8080, f"{kind}SlbProtocol": "TCP"}
    body = world.call(
        "InsertK8sApplication",
        AppName="spread",
        ClusterId=LEFT_OUT,
        CsClusterId=cluster["CsClusterId"],
        PackageType="Image",
        ImageUrl=f"{IMAGE}:v1",
        Replicas=1,
        WorkloadType="Deployment",
        SecretName=LEFT_OUT,
        ResourceGroupId=LEFT_OUT,
        LimitmCpu=LEFT_OUT,
        DeployAcrossNodes="true",
        DeployAcrossZones="true",
        ServiceConfigs=[{"name": "spread-http", "type": "ClusterIP", "servicePorts": [{"protocol": "TCP", "port": 80, "targetPort": 8080}]}],
        **slb,
    )
    app = body["ApplicationInfo"]["AppId"]
    services = {service["metadata"]["name"]: service for service in world.json("services", "-l", f"sternway.io/app-id={app}")["items"]}
    kinds = {name: (service["spec"]["type"], service["spec"]["ports"][0]["port"]) for name, service in services.items()}
    wanted = {"spread-http": ("ClusterIP", 80), "spread-internet": ("LoadBalancer", 80), "spread-intranet": ("LoadBalancer", 81)}
    equal(kinds, wanted, "the Services on the cluster")
    ids = [services[f"spread-{kind}"]["metadata"]["annotations"][f"{ALIBABA}id"] for kind in ("internet", "intranet")]
    equal(ids, ["lb-internet", "lb-intranet"], "the load balancers that are to be used")
    spec = world.json("deployment", "spread")["spec"]["template"]["spec"]
    equal(spec["containers"][0]["resources"]["limits"]["cpu"], "1", "the limit on the cluster")
    equal(spread(spec), ["kubernetes.io/hostname", "topology.kubernetes.io/zone"], "what the pods are spread over")
    world.call("DeleteK8sApplication", AppId=app, Force=True)
    equal(world.kubectl("get", "services,deployments", "-l", f"sternway.io/app-id={app}", "-o", "name"), "", "what is left")


def runtime_class(world):
    """A class of runtimes that the cluster lacks: it refuses the pods, which is how the orders end; a release goes back by itself."""
    refusal = 'RuntimeClass \\"sealed\\" not found'
    body = world.call(
        "InsertK8sApplication",
        order=FAILED,
        AppName="sealed",
        CsClusterId=LEFT_OUT,
        PackageType="Image",
        ImageUrl=f"{IMAGE}:v1",
        Replicas=1,
        WorkloadType="Deployment",
        SecretName=LEFT_OUT,
        ResourceGroupId=LEFT_OUT,
        RuntimeClassName="sealed",
        Timeout=5,
        **WITHOUT_SERVICES,
    )
    info = body["ApplicationInfo"]
    contains(json.dumps(world.order(info["ChangeOrderId"])), refusal, "the order")
    equal(world.json("deployment", "sealed")["spec"]["template"]["spec"]["runtimeClassName"], "sealed", "the class on the cluster")
    world.call("DeleteK8sApplication", AppId=info["AppId"], Force=True)

    before = world.images()
    values = {**AT_ONCE, "Image": f"{IMAGE}:v2", "ImageTag": LEFT_OUT, "BatchTimeout": 5}
    order = world.call("DeployK8sApplication", order=FAILED, RuntimeClassName="sealed", **values)["ChangeOrderId"]
    contains(json.dumps(world.order(order)), refusal, "the order")
    world.settle()
    equal(world.images(), before, "the images of the pods")


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


def gray_release(world):
    """A release whose gray batch gets the requests that it asks for, by the application's own HTTPRoute, until it is confirmed."""
    [image] = world.images()
    route = Route(world, world.ids["name"])
    order = world.call(
        "DeployK8sApplication",
        order=WAITING,
        Image=f"{IMAGE}:led",
        ImageTag=LEFT_OUT,
        BatchTimeout=600,
        BatchWaitTime=0,
        ChangeOrderDesc="a gray release",
        Replicas=4,
        TrafficControlStrategy=TO_GRAY_BATCH,
        UpdateStrategy=GRAY_BATCHES,
    )["ChangeOrderId"]
    route.is_divided([f"{IMAGE}:led"], [image] * 3)
    world.call("GetChangeOrderInfo", ChangeOrderId=order)
    traffic = world.order(order)["TrafficControl"]
    contains(traffic["Tips"], "requests that match go to the new pods", "the order")

    for pipeline, then in ((1, WAITING), (2, SUCCEEDED)):
        waiting = world.order(order)["PipelineInfoList"]["PipelineInfo"][pipeline]["PipelineId"]
        world.call("ContinuePipeline", PipelineId=waiting, Confirm=True)
        world.wait(order, then)
        route.is_as_before()
    route.is_whole()
    equal(world.images(), {f"{IMAGE}:led"}, "the images of the pods")
    route.delete()


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


def change_pods(world):
    """A deploy that changes all that describes pods, and one that spreads them."""
    image = {"Image": f"{IMAGE}:v6", "ImageTag": LEFT_OUT, **AT_ONCE}
    resources = {
        "CpuLimit": 2,
        "CpuRequest": 1,
        "McpuLimit": LEFT_OUT,
        "McpuRequest": LEFT_OUT,
        "MemoryLimit": 1024,
        "MemoryRequest": 256,
        "LimitEphemeralStorage": 3,
        "RequestsEphemeralStorage": 2,
    }
    sent = world.sdk.parameters("DeployK8sApplication")
    second = {name: value for name, value in pods.values(pods.SECOND).items() if name in world.parameters("DeployK8sApplication")}
    world.call("DeployK8sApplication", **image, **resources, **second)
    equal(world.images(), {f"{IMAGE}:v6"}, "the images of the pods")
    pods.check(world, pods.SECOND, sent)
    wanted = {
        "limits": {"cpu": "2", "memory": "1Gi", "ephemeral-storage": "3Gi"},
        "requests": {"cpu": "1", "memory": "256Mi", "ephemeral-storage": "2Gi"},
    }
    container = world.json("deployment", world.ids["name"])["spec"]["template"]["spec"]["containers"][0]
    equal(container["resources"], wanted, "limits and requests on the cluster")

    flags = {"DeployAcrossNodes": "true", "DeployAcrossZones": "true", "BatchWaitTime": 1, "Replicas": 1}
    world.call("DeployK8sApplication", **{**image, **flags})
    spec = world.json("deployment", world.ids["name"])["spec"]
    equal(spread(spec["template"]["spec"]), ["kubernetes.io/hostname", "topology.kubernetes.io/zone"], "what the pods are spread over")
    equal((spec["minReadySeconds"], spec["replicas"]), (1, 1), "BatchWaitTime and Replicas on the cluster")


def spread(spec):
    """What a pod template spreads pods over, by preference."""
    terms = spec["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    return sorted(term["podAffinityTerm"]["topologyKey"] for term in terms)


def retry(world):
    """A release that took too long and was held goes on when its task is tried again."""
    # The one pod is ready after twelve seconds; a batch may take ten.
    image = f"{IMAGE}:v5-slow12"
    release = ["--image", image, "--batch-timeout", "10", "--on-failure", "pause", "-o", "json"]
    order = json.loads(world.sternway("deploy", world.ids["name"], *release))["ChangeOrderId"]
    world.sternway("order", "watch", order, "--until-confirmation", code=HELD)
    tasks = [
        task
        for pipeline in world.order(order)["PipelineInfoList"]["PipelineInfo"]
        for stage in pipeline["StageDetailList"]["StageDetailDTO"]
        for task in stage["TaskList"]["TaskInfoDTO"]
    ]
    [failed] = [task["TaskId"] for task in tasks if task["TaskStatus"] == str(FAILED)]
    world.refused("RetryChangeOrderTask", 400, "RetryStatus", TaskId=failed, RetryStatus=False)
    equal(world.call("RetryChangeOrderTask", TaskId=failed, RetryStatus=True)["Data"], order, "the order that goes on")
    world.wait(order, SUCCEEDED)
    equal(world.images(), {image}, "the images of the pods")


def delete(world):
    """The end of it."""
    world.call("DeleteK8sApplication", Force=True)
    equal(world.kubectl("get", "deployment", "-l", f"sternway.io/app-id={world.ids['app']}", "-o", "name"), "", "what is left")
