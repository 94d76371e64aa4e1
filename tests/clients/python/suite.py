"""Each generation of the SDK through the life of an application: `python -m python.suite`. Needs STERNWAY_BINARY."""

import json
import sys
from collections import Counter

from harness.server import Server
from harness.suite import Suite, contains, equal
from harness.waiting import eventually
from python import packages, resources
from python.generations import GENERATIONS, REGION, GatewayRefusal

ORDER_SECONDS = 120
RUNNING, SUCCEEDED, ABORTED, AWAITING_CONFIRMATION = 1, 2, 6, 8
ENDED = (2, 3, 6, 7, 10)
IN_THREE_BATCHES = json.dumps({"type": "BatchUpdate", "batchUpdate": {"batch": 3, "releaseType": "manual"}})
IMAGE = "registry.local/shop"
UNKNOWN = "00000000-0000-4000-8000-000000000000"

suite = Suite("python")


class Account:
    """One generation of the SDK, and what its scenarios hand on to each other."""

    def __init__(self, generation, server):
        self.server = server
        self.generation = generation
        self.sdk = generation(server.host, server.access_key_id, server.access_key_secret)
        self.app = None
        self.created = None
        self.rollback = None

    def done(self, operation, **parameters):
        """Calls an operation that has to succeed; returns the body."""
        body = self.sdk.call(operation, **parameters)
        equal(body.get("Code"), 200, f"Code of {operation} ({body.get('Message')})")
        return body

    def refused(self, operation, **parameters):
        """Calls an operation that has to be refused by the server's rules: HTTP 200, and a Code that is not 200."""
        body = self.sdk.call(operation, **parameters)
        if body.get("Code") == 200:
            raise AssertionError(f"{operation} was not refused: {body}")
        return body

    def turned_away(self, operation, **parameters):
        """Calls an operation that must not get past the gateway; returns the refusal."""
        try:
            body = self.sdk.call(operation, **parameters)
        except GatewayRefusal as refusal:
            return refusal
        raise AssertionError(f"{operation} was let in: {body}")

    def order(self, order):
        """A change order as GetChangeOrderInfo shows it."""
        info = self.done("GetChangeOrderInfo", ChangeOrderId=order)["changeOrderInfo"]
        equal(info["ChangeOrderId"], order, "the id of the order that was read")
        return info

    def wait_for(self, order, what, wanted):
        """Reads an order until it is as wanted; an order that ends otherwise ends the waiting too."""

        def probe():
            info = self.order(order)
            if wanted(info):
                return info
            if info["Status"] in ENDED:
                raise AssertionError(f"order {order} ended in {info['Status']} instead of being {what}: {messages(info)}")
            return f"not yet: Status {info['Status']}, pipelines {[p['PipelineStatus'] for p in pipelines(info)]}, {messages(info)}"

        return eventually(f"order {order} to be {what}", probe, ORDER_SECONDS)

    def succeeds(self, order):
        """Waits until an order has ended in Status 2; returns it."""
        return self.wait_for(order, "done", lambda info: info["Status"] == SUCCEEDED)

    def deploy(self, tag):
        """Starts a release in three batches, each confirmed by hand. Returns the order's id."""
        body = self.done("DeployK8sApplication", AppId=self.app, Image=f"{IMAGE}:{tag}", UpdateStrategy=IN_THREE_BATCHES)
        return body["ChangeOrderId"]

    def confirm(self, order, batch):
        """Waits until an order asks for its batch (counted from 0), and confirms it."""
        info = self.wait_for(
            order,
            f"waiting for the confirmation of batch {batch + 1}",
            lambda info: info["Status"] == AWAITING_CONFIRMATION and pipelines(info)[batch - 1]["PipelineStatus"] == SUCCEEDED,
        )
        self.done("ContinuePipeline", PipelineId=pipelines(info)[batch]["PipelineId"], Confirm=True)
        return info

    def images(self):
        """How many pods run each tag, from the raw pods."""
        listed = self.done("DescribeAppInstanceList", AppId=self.app)["InstanceList"]
        pods = [json.loads(instance["PodRaw"]) for instance in listed]
        living = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
        return Counter(pod["spec"]["containers"][0]["image"].removeprefix(f"{IMAGE}:") for pod in living)


def pipelines(info):
    return info["PipelineInfoList"]["PipelineInfo"]


def messages(info):
    """The messages of all tasks."""
    stages = [stage for pipeline in pipelines(info) for stage in pipeline["StageDetailList"]["StageDetailDTO"]]
    return [task["TaskMessage"] for stage in stages for task in stage["TaskList"]["TaskInfoDTO"] if task.get("TaskMessage")]


def pods_of(pipeline):
    """The names of the pods that a batch brought."""
    stages = pipeline["StageList"]["StageInfoDTO"]
    instances = [instance for stage in stages for instance in stage["StageResultDTO"]["InstanceDTOList"]["InstanceDTO"]]
    return {instance["PodName"] for instance in instances}


def register(account):
    generation = account.generation.name
    name = f"python-{generation}"

    def scenario(title, chain=None):
        return suite.scenario(f"{generation}: {title}", chain or generation)

    @scenario("the sandbox is listed as a cluster, and an application is created on it")
    def create():
        clusters = account.done("ListCluster", LogicalRegionId=REGION)["ClusterList"]["Cluster"]
        equal(len(clusters), 1, "the number of clusters")
        body = account.done(
            "InsertK8sApplication",
            AppName=name,
            ClusterId=clusters[0]["ClusterId"],
            LogicalRegionId=REGION,
            Namespace="default",
            PackageType="Image",
            ImageUrl=f"{IMAGE}:v1",
            Replicas=10,
            # What the SDKs have to escape, and the server to unescape, in every way that they have for it.
            Envs=json.dumps([{"name": "GREETING", "value": "a b+c&d=e/f?g%h ü 你好 *~"}]),
        )
        account.app = body["ApplicationInfo"]["AppId"]
        account.created = body["ApplicationInfo"]["ChangeOrderId"]
        account.succeeds(account.created)
        equal(account.images(), {"v1": 10}, "the pods")

    @scenario("get and list show the application")
    def show():
        shown = account.done("GetK8sApplication", AppId=account.app)["Applcation"]
        equal(shown["App"]["ApplicationName"], name, "ApplicationName")
        equal(shown["App"]["Instances"], 10, "Instances")
        equal(shown["ImageInfo"]["ImageUrl"], f"{IMAGE}:v1", "ImageUrl")
        environment = {entry["Name"]: entry["Value"] for entry in shown["App"]["EnvList"]["Env"]}
        equal(environment["GREETING"], "a b+c&d=e/f?g%h ü 你好 *~", "a value with everything that needs escaping")
        listed = account.done("ListApplication", AppName=name)["ApplicationList"]["Application"]
        equal([application["AppId"] for application in listed], [account.app], "the applications of that name")
        status = account.done("QueryApplicationStatus", AppId=account.app)["AppInfo"]
        equal([instance["AppState"] for instance in status["EccList"]["Ecc"]], [7] * 10, "the states of the instances")

    @scenario("a release goes through three batches of 3, 3 and 4 pods, each confirmed")
    def release():
        order = account.deploy("v2")
        info = account.confirm(order, 1)
        equal((info["BatchCount"], info["BatchType"], info["SupportRollback"]), (3, "Manual", True), "the order's shape")
        equal(account.images()["v2"], 3, "new pods after the first batch")
        account.confirm(order, 2)
        info = account.succeeds(order)
        equal([len(pods_of(pipeline)) for pipeline in pipelines(info)], [3, 3, 4], "pods of the batches")
        equal(account.images(), {"v2": 10}, "the pods")
        contains("\n".join(messages(info)), "Apply success. <br>application is ready at desired state, version: 2", "the task messages")
        last = pipelines(info)[-1]["StageList"]["StageInfoDTO"][-1]
        equal((last["StageName"], last["StageResultDTO"]["ServiceStage"]["Message"]), ("Process Complete", "Success"), "the last stage")

    @scenario("a release is refused while another one runs, and is aborted and rolled back in its second batch")
    def abort_and_roll_back():
        order = account.deploy("v3-slow6")
        account.confirm(order, 1)
        account.wait_for(order, "in its second batch", lambda info: pipelines(info)[1]["PipelineStatus"] == RUNNING)

        busy = account.refused("DeployK8sApplication", AppId=account.app, Image=f"{IMAGE}:v4")
        contains(busy["Message"], order, "the refusal of a second change")

        body = account.done("AbortAndRollbackChangeOrder", ChangeOrderId=order)
        account.rollback = body["Data"]["ChangeOrderId"]
        equal((body["Message"], body["ErrorCode"], bool(body["TraceId"])), ("success", "success", True), "Message, ErrorCode, a TraceId")
        if account.rollback == order:
            raise AssertionError("the rollback has the id of the order that it rolls back")
        again = account.done("AbortAndRollbackChangeOrder", ChangeOrderId=order)
        equal(again["Data"]["ChangeOrderId"], account.rollback, "the answer to the same request again")

        info = account.succeeds(account.rollback)
        contains("\n".join(messages(info)), "application is ready at desired state, version: 2", "the task messages")
        equal(info["SupportRollback"], False, "SupportRollback of a rollback")
        aborted = account.order(order)
        equal(aborted["Status"], ABORTED, "the status of the aborted order")
        equal([pipeline["PipelineStatus"] for pipeline in pipelines(aborted)], [SUCCEEDED, ABORTED, ABORTED], "its pipelines")
        equal(account.images(), {"v2": 10}, "the pods")

    @scenario("an aborted release stays where it is, and the version before is deployed again")
    def abort():
        order = account.deploy("v4")
        account.wait_for(order, "waiting", lambda info: info["Status"] == AWAITING_CONFIRMATION)
        body = account.done("AbortChangeOrder", ChangeOrderId=order)
        equal(body["Data"]["ChangeOrderId"], order, "the id that AbortChangeOrder answers with")
        account.wait_for(order, "aborted", lambda info: info["Status"] == ABORTED)
        equal(account.images(), {"v2": 7, "v4": 3}, "the pods after the abort")
        history = account.done("ListHistoryDeployVersion", AppId=account.app)["PackageVersionList"]["PackageVersion"]
        second = next(version["Id"] for version in history if version["PublicUrl"] == f"{IMAGE}:v2")
        body = account.done("DeployK8sApplication", AppId=account.app, PackageVersionId=second)
        account.succeeds(body["ChangeOrderId"])
        equal(account.images(), {"v2": 10}, "the pods after the deployment of the version before")

    @scenario("an order that has ended is neither aborted nor rolled back")
    def abort_of_finished():
        for operation in ("AbortChangeOrder", "AbortAndRollbackChangeOrder"):
            body = account.refused(operation, ChangeOrderId=account.created)
            equal(body["Code"], 400, f"Code of {operation}")
            if body["ErrorCode"] in ("", "success"):
                raise AssertionError(f"ErrorCode of {operation} is {body['ErrorCode']!r}")
        body = account.refused("AbortAndRollbackChangeOrder", ChangeOrderId=account.rollback)
        equal(body["Code"], 400, "Code for a rollback of a rollback")

    @scenario("scaling in is an order of its own")
    def scale():
        order = account.done("ScaleK8sApplication", AppId=account.app, Replicas=4)["ChangeOrderId"]
        account.succeeds(order)
        equal(account.images(), {"v2": 4}, "the pods")

    @scenario("the change orders are listed, newest first")
    def orders():
        listed = account.done("ListRecentChangeOrder", AppId=account.app)["ChangeOrderList"]["ChangeOrder"]
        codes = [order["CoTypeCode"] for order in listed]
        expected = ["CoScaleIn", "CoDeployHistroy", "CoDeploy", "CoRollback", "CoDeploy", "CoDeploy", "CoCreateApp"]
        equal(codes, expected, "the types of the change orders")
        equal([order["Status"] for order in listed], [2, 2, 6, 2, 6, 2, 2], "their statuses")

    @scenario("a deleted application does not exist")
    def delete():
        order = account.done("DeleteK8sApplication", AppId=account.app)["ChangeOrderId"]
        account.succeeds(order)
        contains(account.refused("GetK8sApplication", AppId=account.app)["Message"], "does not exist", "the Message")
        listed = account.done("ListApplication", AppName=name)["ApplicationList"]["Application"]
        equal(listed, [], "the applications of that name")

    @scenario("what is unknown does not exist", chain=f"{generation} unknown")
    def unknown():
        for operation in ("GetK8sApplication", "DeployK8sApplication"):
            parameters = {"Image": f"{IMAGE}:v1"} if operation.startswith("Deploy") else {}
            contains(account.refused(operation, AppId=UNKNOWN, **parameters)["Message"], "does not exist", f"Message of {operation}")
        contains(account.refused("GetChangeOrderInfo", ChangeOrderId=UNKNOWN)["Message"], "does not exist", "the Message")
        cluster = account.refused("GetCluster", ClusterId=UNKNOWN)
        equal(cluster["Code"], 601, "Code for an unknown cluster")
        contains(cluster["Message"], "does not exist", "the Message")

    @scenario("a wrong secret and an unknown key are turned away", chain=f"{generation} keys")
    def keys():
        server = account.server
        for key, secret, status, code in (
            (server.access_key_id, "wrong", 400, "SignatureDoesNotMatch"),
            ("nobody", "wrong", 404, "InvalidAccessKeyId.NotFound"),
        ):
            stranger = Account(account.generation, server)
            stranger.sdk = account.generation(server.host, key, secret)
            refusal = stranger.turned_away("ListCluster", LogicalRegionId=REGION)
            equal((refusal.status, refusal.code), (status, code), "how the gateway answers")

    @scenario("a missing parameter is named", chain=f"{generation} parameters")
    def missing_parameter():
        refusal = account.turned_away("GetChangeOrderInfo")
        equal(refusal.status, 400, "the HTTP status")
        contains(refusal.message, "ChangeOrderId", "the Message")

    @scenario("an operation that is not served yet says so under its own name", chain=f"{generation} not served")
    def not_served():
        refusal = account.turned_away("ListEcuByRegion")
        contains(refusal.message, "ListEcuByRegion", "the Message")

    packages.register(account, scenario, REGION)
    resources.register(account, scenario, REGION)


def main():
    with Server() as server:
        for generation in GENERATIONS:
            register(Account(generation, server))
        return suite.run()


if __name__ == "__main__":
    sys.exit(main())
