"""What is set up beside an application: prechecks, hooks, logs, rules of scaling, tags, configuration templates; and the older ways back."""

import json

from harness.suite import contains, equal
from harness.waiting import eventually

from ..defaults import IMAGE, REGION

MINUTE_SECONDS = 60
RULE = "busy"
# The published example of the parameters that EDAS has given up.
DEPRECATED = "1"


def prechecks(world):
    """Checks of the next change."""
    place = {"AppName": world.ids["name"], "ComponentIds": "5", "JavaStartUpConfig": {}, "PackageUrl": "https://packages.example.com/shop.jar"}
    # A sandbox has no claims.
    body = world.call("StartK8sAppPrecheck", ImageUrl=f"{IMAGE}:v9", Replicas=3, PvcMountDescs=[], **place)
    contains(str(body["Data"]["Jobs"]), "Cluster Health Check", "the jobs")
    result = world.call("GetK8sAppPrecheckResult", AppName=world.ids["name"])["Data"]
    equal((result["Status"], result["Reason"]), ("pass", ""), "the result")
    # What the pods would lack is found out.
    missing = [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "nobody-has-it", "key": "a"}}}]
    world.call("StartK8sAppPrecheck", ImageUrl=f"{IMAGE}:v9", Replicas=3, Envs=missing, **place)
    result = world.call("GetK8sAppPrecheckResult", AppName=world.ids["name"])["Data"]
    equal(result["Status"], "failed", "the result")
    for lacking in ("nobody-has-it", "PersistentVolumeClaim stock"):
        contains(result["Reason"], lacking, "the reason")


def hooks_and_logs(world):
    """Scripts and sources of logs, in the pods that run after the change."""
    hooks = [{"name": "prestopInstance", "script": "sleep 1", "ignoreFail": True}]
    body = world.call("UpdateHookConfiguration", GroupId="all", Hooks=hooks)
    equal([hook["Script"] for hook in body["HooksConfiguration"] if hook["Name"] == "prestopInstance"], ["sleep 1"], "the script")
    newest_ends(world)
    contains(container(world)["lifecycle"]["preStop"]["exec"]["command"][2], "sleep 1", "the hook on the cluster")

    stores = [{"type": "stdout", "logstore": "shop-out", "logDir": "stdout.log"}, {"type": "file", "logstore": "shop-file", "logDir": "/var/log/shop/*.log"}]
    world.call("UpdateSlsLogStore", Configs=stores)
    newest_ends(world)
    variables = {variable["name"]: variable.get("value") for variable in container(world)["env"]}
    equal((variables["aliyun_logs_shop-out"], variables["GREETING"]), ("stdout", "hello"), "variables of the pods")
    listed = world.call("QuerySlsLogStoreList", Type="file")
    equal([store["Source"] for store in listed["Result"]], ["/var/log/shop/*.log"], "what is collected of files")

    path = "/home/admin/shop/logs/"
    noted = lambda: world.json("deployment", world.ids["name"])["metadata"]["annotations"].get("sternway.io/log-paths")
    world.call("AddLogPath", Path=path)
    equal(noted(), path, "the paths on the cluster")
    world.call("DeleteLogPath", Path=path)
    equal(noted(), None, "the paths on the cluster")


def scaling(world):
    """A rule of metrics and times: an autoscaler that kubectl shows. What it does when a minute begins, `scaled` looks at later."""
    behaviour = {
        "scaleUp": {"stabilizationWindowSeconds": 0, "selectPolicy": "Max", "policies": [{"type": "Pods", "value": 5, "periodSeconds": 15}]},
        "scaleDown": {"stabilizationWindowSeconds": 300, "selectPolicy": "Max", "policies": [{"type": "Percent", "value": 50, "periodSeconds": 60}]},
    }
    common = {
        "ScalingBehaviour": behaviour,
        "ScalingRuleEnable": True,
        "ScalingRuleMetric": DEPRECATED,
        "ScalingRuleName": RULE,
        "ScalingRuleTimer": DEPRECATED,
        "ScalingRuleType": "trigger",
    }

    def trigger(most, replicas):
        every_minute = {"timezone": "Asia/Shanghai", "cron": "* * * * *", "desiredReplicas": replicas}
        processor = {"metricType": "CPU", "targetAverageUtilization": 60}
        return {
            "minReplicas": 1,
            "maxReplicas": most,
            "triggers": [
                {"type": "cron", "name": "minute", "metaData": json.dumps(every_minute)},
                {"type": "app_metric", "name": "processor", "metaData": json.dumps(processor)},
            ],
        }

    world.call("CreateApplicationScalingRule", ScalingRuleTrigger=trigger(6, 4), **common)
    [made] = autoscalers(world)
    equal((made["spec"]["scaleTargetRef"]["name"], made["spec"]["maxReplicas"]), (world.ids["name"], 6), "the autoscaler")
    contains(world.kubectl("get", "horizontalpodautoscalers"), f"{world.ids['name']}-{RULE}", "what kubectl lists")
    world.call("UpdateApplicationScalingRule", ScalingRuleTrigger=trigger(5, 4), **common)
    equal(autoscalers(world)[0]["spec"]["maxReplicas"], 5, "the autoscaler as changed")
    world.call("DescribeApplicationScalingRules")


def scaled(world):
    """The rule's time has come: an order of its own scales the application. The rule is disabled, enabled, deleted."""
    replicas = lambda: world.json("deployment", world.ids["name"])["spec"]["replicas"]
    eventually("the minute to begin", lambda: replicas() == 4 or f"not yet: {replicas()} replicas", 2 * MINUTE_SECONDS)
    order = newest_ends(world)
    equal((order["CoTypeCode"], order["Source"]), ("CoScaleOut", "scaling-rule"), "the order of the rule")
    least = lambda: autoscalers(world)[0]["spec"]["minReplicas"]
    eventually("the least to follow", lambda: least() == 4 or f"not yet: {least()}", MINUTE_SECONDS)

    # A rule that was disabled long ago shows when; its behaviour is not part of these answers.
    world.call("DisableApplicationScalingRule", ScalingRuleName=RULE)
    equal(autoscalers(world), [], "the autoscaler of a disabled rule")
    world.call("EnableApplicationScalingRule", ScalingRuleName=RULE)
    world.call("DeleteApplicationScalingRule", ScalingRuleName=RULE)
    equal(autoscalers(world), [], "the autoscaler of a deleted rule")


def autoscalers(world):
    """Those of the application."""
    return world.json("horizontalpodautoscalers", "-l", f"sternway.io/app-id={world.ids['app']}")["items"]


def tags(world):
    """Words to find the application by."""
    tags = [{"key": "team", "value": "shop"}]
    resources = {"ResourceIds": [world.ids["app"]], "ResourceRegionId": REGION, "ResourceType": "application"}
    world.call("TagResources", Tags=tags, **resources)
    listed = world.call("ListTagResources", Tags=tags, **resources)["TagResources"]["TagResource"]
    equal([(tag["ResourceId"], tag["TagKey"], tag["TagValue"]) for tag in listed], [(world.ids["app"], "team", "shop")], "the tags")
    world.call("UntagResources", DeleteAll=False, TagKeys=["team"], **resources)


def templates(world):
    """A configuration template, made, changed, listed and deleted."""
    created = world.call("CreateConfigTemplate", Name="settings", Format="JSON", Content='{"a": 1}', Description="of the shop")
    template = created["Data"]["Id"]
    world.call("UpdateConfigTemplate", Id=template, Name="settings", Format="YAML", Content="a: 2", Description="of the shop, newer")
    [listed] = world.call("ListConfigTemplates", Id=template, Name="settings")["Data"]["Result"]
    equal((listed["Id"], listed["Content"], listed["Format"]), (str(template), "a: 2", "YAML"), "the template")
    world.call("DeleteConfigTemplate", Id=template)


def ways_back(world):
    """The older operations that roll back, and the one that renames."""
    body = world.call("UpdateApplicationBaseInfo", AppName=world.ids["name"], Desc="the shop", Owner="the shop's team")
    equal(body["Applcation"]["Description"], "the shop", "the description")
    before = world.images()
    deploy = world.sdk.call("DeployK8sApplication", AppId=world.ids["app"], Image=f"{IMAGE}:v8")["ChangeOrderId"]
    body = world.call("RollbackChangeOrder", ChangeOrderId=deploy)
    world.wait(body["Data"]["ChangeOrderId"], 2)
    equal(world.images(), before, "the images of the pods")

    deploy = world.sdk.call("DeployK8sApplication", AppId=world.ids["app"], Image=f"{IMAGE}:v7", PackageVersion="build-7")["ChangeOrderId"]
    world.wait(deploy, 2)
    versions = world.call("ListHistoryDeployVersion")["PackageVersionList"]["PackageVersion"]
    [earlier, *_] = [version for version in versions if version["PublicUrl"] in before]
    world.call("RollbackApplication", HistoryVersion=earlier["PackageVersion"], Batch=2, BatchWaitTime=0, GroupId="all")
    equal(world.images(), before, "the images of the pods")


def newest_ends(world):
    """Waits for the application's newest order, and returns it as it is listed."""
    listed = world.sdk.call("ListRecentChangeOrder", AppId=world.ids["app"])["ChangeOrderList"]["ChangeOrder"]
    world.wait(listed[0]["ChangeOrderId"], 2)
    return listed[0]


def container(world):
    """The application's container as its Deployment has it."""
    return world.json("deployment", world.ids["name"])["spec"]["template"]["spec"]["containers"][0]
