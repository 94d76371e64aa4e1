"""kubectl beside Sternway, on one cluster: `python3 -m kubectl.suite`. Needs STERNWAY_BINARY, and kubectl on the PATH (or STERNWAY_KUBECTL).

The cluster is a sandbox of its own process, so that it outlives the server that is killed at the end.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading

from harness.route import TO_GRAY_BATCH, Route
from harness.server import Sandbox, Server, binary
from harness.suite import Suite, contains, equal
from harness.waiting import eventually

COMMAND_SECONDS = 120
SETTLE_SECONDS = 60
PODS = 10
# A quarter of ten pods may be missing, rounded down: what a Deployment allows by default.
FLOOR = 8
RUNNING, SUCCEEDED, ABORTED, AWAITING_CONFIRMATION = 1, 2, 6, 8
# The sternway program's exit codes.
EXIT_FAILED, EXIT_ABORTED = 3, 4
TEMPORARY = ("sternway.io/order", "sternway.io/fence", "sternway.io/borrowed", "sternway.io/restore")
# What a release borrows, and has to give back.
BORROWED = ("strategy", "minReadySeconds", "progressDeadlineSeconds")

suite = Suite("kubectl")


class Cluster:
    """kubectl and sternway, both as a person at a terminal has them."""

    def __init__(self, server):
        self.server = server

    def execute(self, *command, code=0, text=None):
        """Runs a command that has to end with this code. Returns what it printed."""
        result = subprocess.run(
            command,
            env=self.server.environment(),
            input=text or "",
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
        )
        if result.returncode != code:
            raise AssertionError(f"{command} ended with {result.returncode}, not {code}:\n{result.stdout}{result.stderr}")
        return result.stdout if code == 0 else result.stdout + result.stderr

    def kubectl(self, *arguments, **options):
        return self.execute(kubectl(), *arguments, **options)

    def sternway(self, *arguments, **options):
        return self.execute(binary(), *arguments, **options)

    def api(self, *arguments):
        """A command of sternway's whose output is the API's own JSON."""
        return json.loads(self.sternway(*arguments, "-o", "json"))

    def deployment(self, name):
        return self.json("deployment", name)

    def images(self, name):
        """The images of the pods that serve, sorted."""
        template = "{range .items[*]}{.metadata.deletionTimestamp} {.spec.containers[0].image}{'\\n'}{end}"
        lines = self.kubectl("get", "pods", "-l", self.selector(name), "-o", f"jsonpath={template}").splitlines()
        return sorted(line.strip() for line in lines if line.startswith(" "))

    def selector(self, name):
        labels = self.deployment(name)["spec"]["selector"]["matchLabels"]
        return ",".join(f"{key}={value}" for key, value in labels.items())

    def create(self, name):
        """Creates an application of ten pods; returns its Deployment's spec."""
        self.sternway("app", "create", name, "--image", f"{name}:v1", "--replicas", str(PODS), "--wait")
        return self.deployment(name)["spec"]

    def deploy(self, name, image):
        """Starts a release in three batches and waits until the first one is done. Returns the order's id."""
        order = self.api("deploy", name, "--image", image, "--batches", "3", "--manual")["ChangeOrderId"]
        self.sternway("order", "watch", order, "--until-confirmation")
        equal(self.order(order)["Status"], AWAITING_CONFIRMATION, "the order's status after its first batch")
        return order

    def order(self, order):
        return self.api("order", "get", order)["changeOrderInfo"]

    def orders(self, name):
        """(CoTypeCode, Status) of the application's change orders, newest first."""
        listed = self.api("order", "list", name)["ChangeOrderList"]["ChangeOrder"]
        return [(order["CoTypeCode"], order["Status"]) for order in listed]

    def second_batch(self, order):
        """Confirms the second batch and waits until it runs."""
        self.sternway("order", "continue", order)
        pipeline = lambda: self.order(order)["PipelineInfoList"]["PipelineInfo"][1]["PipelineStatus"]
        eventually("the second batch to run", lambda: pipeline() == RUNNING, SETTLE_SECONDS)

    def json(self, *arguments):
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def gray(self, release, route):
        """Starts a release whose gray batch gets some requests, and waits until it does. Returns the order's id."""
        order = self.api(*release)["ChangeOrderId"]
        self.sternway("order", "watch", order, "--until-confirmation")
        contains(self.order(order)["TrafficControl"]["Tips"], "requests that match go to the new pods", "the order")
        route.is_divided(["led:v2"] * 2, ["led:v1"] * (PODS - 2))
        return order

    def is_as_before(self, name, before, image):
        """The Deployment is exactly what it was before the release, and all of its pods run the image."""
        after = self.deployment(name)
        for field in ("template", "replicas", *BORROWED):
            equal(after["spec"].get(field), before.get(field), f"spec.{field} of {name}")
        left = sorted(set(after["metadata"].get("annotations", {})) & set(TEMPORARY))
        equal(left, [], "annotations that a release leaves behind")
        eventually(f"all pods to run {image}", lambda: self.images(name) == [image] * PODS or f"not yet: {self.images(name)}", SETTLE_SECONDS)


class Watch:
    """A `kubectl get KIND -w` in the background, with the rows that it has printed."""

    def __init__(self, cluster, kind):
        self.rows = []
        self._process = subprocess.Popen(
            [kubectl(), "get", kind, "-w"],
            env=cluster.server.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            cells = line.split()
            if cells and cells[0] != "NAME":
                self.rows.append(cells)

    def of(self, prefix):
        """Its rows for objects whose names begin like this."""
        return [row for row in self.rows if row[0].startswith(prefix)]

    def stop(self):
        self._process.kill()
        self._process.wait()
        self._reader.join()


def kubectl():
    return os.environ.get("STERNWAY_KUBECTL", "kubectl")


def manifest(name, image, replicas):
    return json.dumps(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "labels": {"app": name}},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {"app": name}},
                "template": {
                    "metadata": {"labels": {"app": name}},
                    "spec": {"containers": [{"name": "main", "image": image}]},
                },
            },
        }
    )


def register(cluster):
    @suite.scenario("apply, get, scale, rollout status, rollout undo and delete work without Sternway", chain="plain")
    def plain():
        equal(cluster.kubectl("apply", "-f", "-", text=manifest("plain", "plain:v1", 3)), "deployment.apps/plain created\n", "apply")
        contains(cluster.kubectl("rollout", "status", "deployment/plain"), "successfully rolled out", "rollout status")
        cluster.kubectl("scale", "deployment/plain", "--replicas=4")
        cluster.kubectl("apply", "-f", "-", text=manifest("plain", "plain:v2", 4))
        contains(cluster.kubectl("rollout", "status", "deployment/plain"), "successfully rolled out", "rollout status")
        row = cluster.kubectl("get", "deployment", "plain", "--no-headers").split()
        equal(row[:4], ["plain", "4/4", "4", "4"], "get")
        cluster.kubectl("rollout", "undo", "deployment/plain")
        contains(cluster.kubectl("rollout", "status", "deployment/plain"), "successfully rolled out", "rollout status")
        eventually("the pods to be back", lambda: cluster.images("plain") == ["plain:v1"] * 4, SETTLE_SECONDS)
        cluster.kubectl("delete", "deployment", "plain", "--wait")
        cluster.kubectl("wait", "--for=delete", "pods", "-l", "app=plain", f"--timeout={SETTLE_SECONDS}s")

    @suite.scenario("watches show a release and its rollback as a real cluster would", chain="watch")
    def watches():
        deployments, sets, pods = (Watch(cluster, kind) for kind in ("deployments", "replicasets", "pods"))
        try:
            before = cluster.create("seen")
            # Only now is it certain that the watches have begun: they may have missed how the first pods came to life.
            eventually("the watches to show the application", lambda: is_complete(deployments, sets, pods), SETTLE_SECONDS)
            created, first = len(deployments.of("seen")), {row[0] for row in pods.of("seen")}
            order = cluster.deploy("seen", "seen:v2-slow8")
            cluster.second_batch(order)
            cluster.sternway("order", "rollback", order, "--wait")
            cluster.is_as_before("seen", before, "seen:v1")
            eventually("the watches to show the end", lambda: is_complete(deployments, sets, pods), SETTLE_SECONDS)
        finally:
            for watch in (deployments, sets, pods):
                watch.stop()
        check_deployment(deployments.of("seen")[created:])
        check_pods(pods.of("seen"), first)

    @suite.scenario("kubectl scale in mid-release is kept, and the release goes on from there", chain="scale")
    def scale():
        cluster.create("grown")
        order = cluster.deploy("grown", "grown:v2")
        cluster.kubectl("scale", "deployment/grown", "--replicas=14")
        eventually("14 pods", lambda: len(cluster.images("grown")) == 14, SETTLE_SECONDS)
        for _ in range(2):
            cluster.sternway("order", "continue", order)
            cluster.sternway("order", "watch", order, "--until-confirmation")
        equal(cluster.order(order)["Status"], SUCCEEDED, "the order's status")
        eventually("all pods to be new", lambda: cluster.images("grown") == ["grown:v2"] * 14, SETTLE_SECONDS)
        equal(cluster.deployment("grown")["spec"]["replicas"], 14, "spec.replicas")

    @suite.scenario("kubectl rollout undo in mid-release is taken over and finished", chain="undo")
    def undo():
        before = cluster.create("undone")
        order = cluster.deploy("undone", "undone:v2")
        cluster.kubectl("rollout", "undo", "deployment/undone")
        cluster.sternway("order", "watch", order, code=EXIT_ABORTED)
        eventually("the rollback to be recorded and done", lambda: cluster.orders("undone")[0] == ("CoRollback", SUCCEEDED), SETTLE_SECONDS)
        equal(cluster.orders("undone"), [("CoRollback", SUCCEEDED), ("CoDeploy", ABORTED), ("CoCreateApp", SUCCEEDED)], "the orders")
        cluster.is_as_before("undone", before, "undone:v1")

    @suite.scenario("kubectl delete in mid-release ends the order with the reason", chain="delete")
    def delete():
        cluster.create("deleted")
        order = cluster.deploy("deleted", "deleted:v2")
        cluster.kubectl("delete", "deployment", "deleted", "--wait")
        cluster.sternway("order", "watch", order, code=EXIT_FAILED)
        contains(json.dumps(cluster.order(order)), "deleted by someone else", "the order")

    @suite.scenario("requests for the gray batch are divided by the HTTPRoute, and put back before pods go", chain="gray")
    def gray():
        before = cluster.create("led")
        route = Route(cluster, "led")
        strategy = json.dumps(TO_GRAY_BATCH)
        release = ("deploy", "led", "--image", "led:v2", "--batches", "2", "--gray", "2", "--manual", "--set", f"TrafficControlStrategy={strategy}")
        contains(cluster.sternway(*release, "--dry-run"), "led-new-", "the dry run")
        route.is_whole()

        # Aborted: the hold stays, and nothing of the division.
        order = cluster.gray(release, route)
        cluster.sternway("order", "abort", order)
        cluster.sternway("order", "watch", order, code=EXIT_ABORTED)
        route.is_whole()

        # Rolled back.
        order = cluster.gray(release, route)
        cluster.sternway("order", "rollback", order, "--wait")
        route.is_whole()
        cluster.is_as_before("led", before, "led:v1")

        # Without the server, by the line in the annotation; the release goes on to its end all the same.
        order = cluster.gray(release, route)
        line = next(text for name, text in cluster.json("httproute", "led")["metadata"]["annotations"].items() if "/unsteer-" in name)
        cluster.execute("sh", "-c", with_this_kubectl(line))
        route.is_as_before()
        for _ in range(2):
            cluster.sternway("order", "continue", order)
            cluster.sternway("order", "watch", order, "--until-confirmation")
        equal(cluster.order(order)["Status"], SUCCEEDED, "the order's status")
        route.is_whole()

    @suite.scenario("without the server, the line in the annotation restores the Deployment; the server finds out", chain="restore")
    def restore():
        before = cluster.create("orphan")
        order = cluster.deploy("orphan", "orphan:v2")
        cluster.server.kill()
        held = cluster.deployment("orphan")
        equal(held["status"]["readyReplicas"], PODS, "ready pods while nobody is at the helm")
        cluster.execute("sh", "-c", with_this_kubectl(held["metadata"]["annotations"]["sternway.io/restore"]))
        contains(cluster.kubectl("rollout", "status", "deployment/orphan"), "successfully rolled out", "rollout status")
        cluster.is_as_before("orphan", before, "orphan:v1")

        cluster.server.start()
        cluster.sternway("order", "watch", order, code=EXIT_ABORTED)
        eventually("the rollback to be recorded and done", lambda: cluster.orders("orphan")[0] == ("CoRollback", SUCCEEDED), SETTLE_SECONDS)
        cluster.is_as_before("orphan", before, "orphan:v1")


def with_this_kubectl(line):
    """The line as it stands, with the kubectl of this suite in the place of whatever the shell would find."""
    return f'kubectl() {{ "{kubectl()}" "$@"; }}; {line}' if kubectl() != "kubectl" else line


def is_complete(deployments, sets, pods):
    """Whether the last rows show an application that rests: all of its pods are ready, and belong to one ReplicaSet."""
    deployment = deployments.of("seen")[-1:]
    counts = sorted({row[0]: row[1:4] for row in sets.of("seen")}.values())
    living = [row for row in {row[0]: row for row in pods.of("seen")}.values() if row[1:3] == ["1/1", "Running"]]
    all_pods, none = [str(PODS)] * 3, ["0"] * 3
    complete = (
        [row[1:4] for row in deployment] == [[f"{PODS}/{PODS}", str(PODS), str(PODS)]]
        and counts in ([all_pods], [none, all_pods])
        and len(living) == PODS
    )
    return complete or f"not yet: {deployment}, {counts}, {len(living)} pods are ready"


def check_deployment(rows):
    """What the Deployment's rows tell of a release: NAME READY UP-TO-DATE AVAILABLE AGE."""
    ready = [int(row[1].split("/")[0]) for row in rows]
    up_to_date = [int(row[2]) for row in rows]
    available = [int(row[3]) for row in rows]
    if min(ready) < FLOOR:
        raise AssertionError(f"fewer than {FLOOR} pods were ready: {ready}")
    # A hold: some pods are new and the release stands still, while the old ones are not up to date. Then back again.
    if not {0, 3} <= set(up_to_date) or up_to_date[-1] != PODS:
        raise AssertionError(f"the batches and the way back cannot be seen in UP-TO-DATE: {up_to_date}")
    # Held pods serve, and yet do not count as available until the end.
    if min(available) >= PODS or available[-1] != PODS:
        raise AssertionError(f"the hold cannot be seen in AVAILABLE: {available}")


def check_pods(rows, first):
    """What the pods' rows tell of each pod's life: NAME READY STATUS RESTARTS AGE. `first` are the pods before the release."""
    lives = {}
    for name, ready, status, *_ in rows:
        life = lives.setdefault(name, [])
        if not life or life[-1] != (ready, status):
            life.append((ready, status))
    born = [("0/1", "Pending"), ("0/1", "ContainerCreating"), ("0/1", "Running"), ("1/1", "Running")]
    for name, life in lives.items():
        course = [state for state in life if state[1] != "Terminating"]
        expected = born[-len(course) :] if name in first else born[: len(course)]
        if course != expected:
            raise AssertionError(f"pod {name} came to life in an odd way: {life}")
        if course[-1] != born[-1] and life[-1][1] != "Terminating":
            raise AssertionError(f"pod {name} neither became ready nor went: {life}")
    gone = [name for name, life in lives.items() if life[-1][1] == "Terminating"]
    if not gone or len(lives) - len(gone) != PODS:
        raise AssertionError(f"{len(lives)} pods were seen and {len(gone)} of them went: {lives}")


def main():
    with tempfile.TemporaryDirectory(prefix="sternway-kubectl-") as home:
        # kubectl caches discovery in the home directory; a cluster that another run had on the same port is not ours.
        os.environ["HOME"] = home
        with Sandbox() as sandbox, Server(sandbox.kubeconfig) as server:
            register(Cluster(server))
            return suite.run()


if __name__ == "__main__":
    sys.exit(main())
