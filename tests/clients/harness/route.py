"""An HTTPRoute that leads requests to an application, and what a release that divides them does to it.

A cluster is whatever has `kubectl(*arguments)`, which runs it, and `json(*arguments)`, which reads an object with it.
"""

import json
import tempfile

from .suite import equal

# For DeployK8sApplication: requests of the user `gray` go to the gray batch.
TO_GRAY_BATCH = {
    "http": {"rules": [{"conditionType": "rule", "conditions": [{"type": "header", "name": "user", "cond": "==", "value": "gray"}]}]}
}
GRAY_HEADERS = [{"type": "Exact", "name": "user", "value": "gray"}]


def apply(cluster, api_version, kind, name, spec):
    """Makes an object, or changes it."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec}, file)
        file.flush()
        cluster.kubectl("apply", "-f", file.name)


class Route:
    """A Service of the application's pods and an HTTPRoute to it; all three have one name."""

    def __init__(self, cluster, name):
        self.cluster = cluster
        self.name = name
        selector = cluster.json("deployment", name)["spec"]["selector"]["matchLabels"]
        service = {"selector": selector, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}
        backend = {"group": "", "kind": "Service", "name": name, "port": 80, "weight": 1}
        rules = [{"matches": [{"path": {"type": "PathPrefix", "value": "/"}}], "backendRefs": [backend]}]
        apply(cluster, "v1", "Service", name, service)
        apply(cluster, "gateway.networking.k8s.io/v1", "HTTPRoute", name, {"parentRefs": [{"name": "edge"}], "rules": rules})
        self.before = self.spec()

    def spec(self):
        """What it says now."""
        return self.cluster.json("httproute", self.name)["spec"]

    def is_divided(self, new, old):
        """The requests for the gray batch go to pods of the images `new`, all others to those of `old`."""
        front, rest = self.spec()["rules"]
        equal(front["matches"][0]["headers"], GRAY_HEADERS, "what the new pods get")
        equal([self._behind(rule["backendRefs"][0]["name"]) for rule in (front, rest)], [new, old], "the pods behind both rules")

    def is_as_before(self):
        """It says what it said before the release."""
        equal(self.spec(), self.before, "the route")

    def is_whole(self):
        """It is as before, and nothing that divided its requests is left."""
        self.is_as_before()
        annotations = self.cluster.json("httproute", self.name)["metadata"].get("annotations", {})
        equal([key for key in annotations if key.startswith("sternway.io/")], [], "annotations of the route")
        equal(self.cluster.kubectl("get", "services", "-l", "sternway.io/steered-by", "-o", "name"), "", "the Services of both sides")

    def delete(self):
        """Removes it and its Service."""
        self.cluster.kubectl("delete", "httproute,service", self.name)

    def _behind(self, service):
        """The images of the pods that a Service selects."""
        selector = self.cluster.json("service", service)["spec"]["selector"]
        pods = self.cluster.json("pods", "-l", ",".join(f"{key}={value}" for key, value in selector.items()))
        return sorted(pod["spec"]["containers"][0]["image"] for pod in pods["items"])
