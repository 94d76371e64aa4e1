"""The resources of applications and clusters: each is asked for through the SDK, and looked for with kubectl."""

import base64
import json
import os
import subprocess

from harness.suite import contains, equal

COMMAND_SECONDS = 60
PORTS = json.dumps([{"protocol": "TCP", "port": 80, "targetPort": 8080}])
LISTENERS = json.dumps([{"loadBalancerProtocol": "TCP", "port": 80, "targetPort": 8080, "certId": ""}])


def register(account, scenario, region):
    chain = f"{account.generation.name} resources"
    name = f"resources-{account.generation.name}"

    def kubectl(*arguments):
        program = os.environ.get("STERNWAY_KUBECTL", "kubectl")
        result = subprocess.run(
            [program, *arguments], env=account.server.environment(), capture_output=True, text=True, timeout=COMMAND_SECONDS
        )
        return result.stdout if result.returncode == 0 else result.stdout + result.stderr

    def shown(kind, which):
        return json.loads(kubectl("get", kind, which, "-o", "json"))

    def cluster():
        return account.done("ListCluster", LogicalRegionId=region)["ClusterList"]["Cluster"][0]["ClusterId"]

    @scenario("an application comes with a Service and a load balancer", chain)
    def create():
        body = account.done(
            "InsertK8sApplication",
            AppName=name,
            ClusterId=cluster(),
            LogicalRegionId=region,
            PackageType="Image",
            ImageUrl="registry.local/shop:v1",
            Replicas=1,
            ServiceConfigs=json.dumps([{"name": f"{name}-http", "type": "ClusterIP", "servicePorts": json.loads(PORTS)}]),
            IntranetSlbPort=80,
            IntranetTargetPort=8080,
            IntranetSlbProtocol="TCP",
        )
        account.resources = body["ApplicationInfo"]["AppId"]
        account.succeeds(body["ApplicationInfo"]["ChangeOrderId"])
        equal(shown("service", f"{name}-http")["spec"]["selector"], {"sternway.io/app-id": account.resources}, "the selector")
        equal(shown("service", f"{name}-intranet")["spec"]["type"], "LoadBalancer", "the type")

    @scenario("Services are made, changed and deleted by change orders", chain)
    def services():
        app, service = account.resources, f"{name}-more"
        order = account.done("CreateK8sService", AppId=app, Name=service, Type="ClusterIP", ServicePorts=PORTS)["ChangeOrderId"]
        account.succeeds(order)
        equal(shown("service", service)["spec"]["ports"][0]["targetPort"], 8080, "targetPort")
        ports = PORTS.replace("8080", "9090")
        order = account.done("UpdateK8sService", AppId=app, Name=service, Type="ClusterIP", ServicePorts=ports)["ChangeOrderId"]
        account.succeeds(order)
        equal(shown("service", service)["spec"]["ports"][0]["targetPort"], 9090, "targetPort")
        names = [one["Name"] for one in account.done("GetK8sServices", AppId=app)["Services"]]
        equal(sorted(names), [f"{name}-http", service], "the Services")
        account.succeeds(account.done("DeleteK8sService", AppId=app, Name=service)["ChangeOrderId"])
        contains(kubectl("get", "service", service), "not found", "what kubectl says")
        contains(account.refused("DeleteK8sService", AppId=app, Name=service)["Message"], "does not exist", "the Message")

    @scenario("a load balancer is bound, shown and unbound", chain)
    def load_balancer():
        app = account.resources
        bind = {"AppId": app, "Type": "internet", "Scheduler": "rr", "ServicePortInfos": LISTENERS}
        account.succeeds(account.done("BindK8sSlb", **bind)["ChangeOrderId"])
        equal(shown("service", f"{name}-internet")["spec"]["ports"][0]["port"], 80, "port")
        infos = json.loads(account.done("GetApplication", AppId=app)["Application"]["SlbInfo"])
        equal(sorted(info["addressType"] for info in infos), ["internet", "intranet"], "SlbInfo")
        account.succeeds(account.done("UnbindK8sSlb", AppId=app, Type="internet", SlbName=f"{name}-internet")["ChangeOrderId"])
        contains(kubectl("get", "service", f"{name}-internet"), "not found", "what kubectl says")

    @scenario("ConfigMaps and Secrets are made, replaced and deleted", chain)
    def configuration():
        place = {"ClusterId": cluster(), "Namespace": "default", "Name": name}
        for what, kind, decode in (
            ("ConfigMap", "configmap", str),
            ("Secret", "secret", lambda text: base64.b64decode(text).decode()),
        ):
            account.done(f"CreateK8s{what}", Data=json.dumps([{"Key": "greeting", "Value": "hello"}]), **place)
            account.done(f"UpdateK8s{what}", Data=json.dumps([{"Key": "greeting", "Value": "ü 你好"}]), **place)
            data = {key: decode(value) for key, value in shown(kind, name)["data"].items()}
            equal(data, {"greeting": "ü 你好"}, f"the data of the {what}")
            listed = account.done(f"ListK8s{what}s", ClusterId=place["ClusterId"], Namespace="default")["Result"]
            contains([one["Name"] for one in listed[f"{what}s"]], name, f"the {what}s")
            account.done(f"DeleteK8s{what}", **place)
            contains(kubectl("get", kind, name), "not found", "what kubectl says")

    @scenario("an Ingress leads to the application", chain)
    def ingress():
        place = {"ClusterId": cluster(), "Namespace": "default", "Name": name}
        backend = {"serviceName": f"{name}-http", "servicePort": 80}
        rules = {"rules": [{"host": "abc.com", "paths": [{"path": "/a", "backend": backend}]}]}
        account.done("CreateK8sIngressRule", IngressConf=json.dumps(rules), **place)
        path = shown("ingress", name)["spec"]["rules"][0]["http"]["paths"][0]
        equal(path["backend"], {"service": {"name": f"{name}-http", "port": {"number": 80}}}, "the backend")
        data = account.done("ListK8sIngressRules", ClusterId=place["ClusterId"], Namespace="default")["Data"][0]
        conf = next(conf for conf in data["IngressConfs"] if conf["Name"] == name)
        equal(conf["Rules"][0]["Paths"][0]["Status"], "Normal", "Status")
        equal(conf["Rules"][0]["Paths"][0]["AppId"], account.resources, "AppId")
        account.done("DeleteK8sIngressRule", **place)

    @scenario("a resource is replaced by YAML, and an application's Deployment is not", chain)
    def raw():
        account.done("CreateK8sConfigMap", ClusterId=cluster(), Namespace="default", Name=name)
        yaml = f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  raw: 'yes'\n"
        account.done("UpdateK8sResource", ClusterId=cluster(), Namespace="default", ResourceContent=yaml)
        equal(shown("configmap", name)["data"], {"raw": "yes"}, "the data")
        deployment = json.dumps(shown("deployment", name))
        body = account.refused("UpdateK8sResource", ClusterId=cluster(), Namespace="default", ResourceContent=deployment)
        contains(body["Message"], "DeployK8sApplication", "the Message")
        account.done("DeleteK8sConfigMap", ClusterId=cluster(), Namespace="default", Name=name)

    @scenario("a Deployment is converted to an application without touching it", chain)
    def convert():
        made = f"{name}-converted"
        kubectl("create", "deployment", made, "--image", "registry.local/shop:v1")
        before = shown("deployment", made)["metadata"]["generation"]
        convert = {"ClusterId": cluster(), "Namespace": "default", "ResourceName": made, "ResourceType": "deployment"}
        account.done("ConvertK8sResource", **convert)
        equal(shown("deployment", made)["metadata"]["generation"], before, "the generation")
        listed = account.done("ListApplication", AppName=made)["ApplicationList"]["Application"]
        account.succeeds(account.done("DeleteK8sApplication", AppId=listed[0]["AppId"])["ChangeOrderId"])

    @scenario("what was made for the application goes with it", chain)
    def delete():
        account.succeeds(account.done("DeleteK8sApplication", AppId=account.resources)["ChangeOrderId"])
        for service in (f"{name}-http", f"{name}-intranet"):
            contains(kubectl("get", "service", service), "not found", "what kubectl says")
