"""Objects of a cluster and of an application: Services, load balancers, Ingresses, ConfigMaps, Secrets, anything else."""

import json

from harness.suite import contains, equal

from ..defaults import IMAGE, REGION
from ..world import LEFT_OUT

ALIBABA = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-"
PORTS = [{"protocol": "TCP", "port": 80, "targetPort": 8080}]


def services(world):
    """A Service of the application."""
    common = {"Name": f"{world.ids['name']}-web", "ExternalTrafficPolicy": "Cluster"}
    world.call("CreateK8sService", Type="ClusterIP", ServicePorts=PORTS, **common)
    world.call("UpdateK8sService", Type="NodePort", ServicePorts=[{**PORTS[0], "port": 81, "nodePort": 30081}], **common)
    service = world.json("service", common["Name"])
    equal((service["spec"]["type"], service["spec"]["ports"][0]["port"]), ("NodePort", 81), "the Service on the cluster")
    equal(service["spec"]["selector"]["sternway.io/app-id"], world.ids["app"], "what the Service selects")
    world.call("GetK8sServices")


def load_balancers(world):
    """A load balancer in front of it, of a cluster whose load balancers are Alibaba Cloud's."""
    world.extended("ImportK8sCluster", {"LoadBalancer": json.dumps({"alibabaCloud": True})}, ClusterId=world.ids["cluster"])
    listeners = [{"loadBalancerProtocol": "TCP", "port": 80, "targetPort": 8080}]
    single = {"Port": "80", "TargetPort": "8080", "SlbProtocol": "TCP"}
    common = {"Type": "internet", "Scheduler": "rr", **single}
    world.call("BindK8sSlb", SlbId="lb-of-the-shop", ServicePortInfos=listeners, Specification="slb.s1.small", **common)
    [balancer] = balancers(world)
    equal([port["port"] for port in balancer["spec"]["ports"]], [80], "where the load balancer listens")
    equal(balancer["metadata"]["annotations"][f"{ALIBABA}id"], "lb-of-the-shop", "the load balancer that is to be used")
    # The lists that the SDK calls by one port are three parameters, too.
    update = {**common, "SlbName": balancer["metadata"]["name"], "Specification": "slb.s2.small", "DisableForceOverride": True}
    world.call("UpdateK8sSlb", ServicePortInfos=[{**listeners[0], "port": 8081}], **update)
    [balancer] = balancers(world)
    equal([port["port"] for port in balancer["spec"]["ports"]], [8081], "where the load balancer listens")
    equal(balancer["metadata"]["annotations"][f"{ALIBABA}force-override-listeners"], "false", "whether its listeners are overridden")
    world.call("UpdateK8sSlb", ServicePortInfos=LEFT_OUT, **{**update, "Port": "8082"})
    equal([port["port"] for port in balancers(world)[0]["spec"]["ports"]], [8082], "where the load balancer listens")
    listed = world.call("ListSlb", AddressType="internet", SlbType="clb", VpcId=LEFT_OUT)["SlbList"]["SlbEntity"]
    equal([slb["SlbId"] for slb in listed], ["lb-of-the-shop"], "the load balancers that are listed")
    elsewhere = world.call("ListSlb", AddressType="internet", SlbType="clb", VpcId="vpc-1", empty=["SlbList"])["SlbList"]["SlbEntity"]
    equal(elsewhere, [], "the load balancers of a network that is not here")
    world.call("UnbindK8sSlb", Type="internet", SlbName=balancer["metadata"]["name"])
    equal(balancers(world), [], "load balancers after the last was taken away")


def balancers(world):
    found = world.json("services", "-l", f"sternway.io/app-id={world.ids['app']}")["items"]
    return [service for service in found if service["spec"]["type"] == "LoadBalancer"]


def config_maps(world):
    """A ConfigMap, made and changed; an application reads it later."""
    name = {"Name": "settings", "Namespace": "default"}
    world.call("CreateK8sConfigMap", Data=[{"Key": "colour", "Value": "red"}], **name)
    world.call("UpdateK8sConfigMap", Data=[{"Key": "colour", "Value": "blue"}], **name)
    equal(world.json("configmap", "settings")["data"], {"colour": "blue"}, "the ConfigMap on the cluster")


def secrets(world):
    """A Secret, made and changed; an application and an Ingress read it later."""
    common = {"Name": "login", "Namespace": "default", "Type": "Opaque", "CertRegionId": REGION}
    world.call("CreateK8sSecret", Base64Encoded=False, CertId=LEFT_OUT, Data=[{"Key": "password", "Value": "hidden"}], **common)
    equal(world.json("secret", "login")["data"], {"password": "aGlkZGVu"}, "the Secret on the cluster")
    world.call("UpdateK8sSecret", Base64Encoded=True, CertId=LEFT_OUT, Data=[{"Key": "password", "Value": "aGlkZGVuMg=="}], **common)
    equal(world.json("secret", "login")["data"], {"password": "aGlkZGVuMg=="}, "the Secret on the cluster")
    for operation in ("CreateK8sSecret", "UpdateK8sSecret"):
        world.refused(operation, 400, "CertId", CertId="1234-cn-hangzhou", Base64Encoded=True, Data=[], **common)


def users(world):
    """ConfigMaps and Secrets are listed with the applications that use them."""
    page = {"ClusterId": world.ids["cluster"], "Namespace": "default", "PageNo": 0, "ShowRelatedApps": True}
    found = world.call("ListK8sConfigMaps", Condition={"field": "Name", "pattern": "sett"}, **page)["Result"]
    [listed] = found["ConfigMaps"]
    equal((listed["Name"], found["Total"]), ("settings", 1), "the ConfigMaps of that name")
    equal([app["AppId"] for app in listed["RelatedApps"]], [world.ids["app"]], "who uses the ConfigMap")
    # There is no certificate service whose certificates could be looked into.
    certificate = ["Result.Secrets[].CertDetail.DomainNames"]
    [listed] = world.call("ListK8sSecrets", Condition={"field": "Name", "pattern": "log"}, empty=certificate, **page)["Result"]["Secrets"]
    equal([app["AppId"] for app in listed["RelatedApps"]], [world.ids["app"]], "who uses the Secret")
    [rule] = listed["RelatedIngressRules"]
    equal((rule["Name"], rule["RelatedApps"][0]["AppId"]), ("entry", world.ids["app"]), "the Ingress that uses the Secret")


def ingress_rules(world):
    """An Ingress in front of the Service."""
    name = {"Name": "entry", "Namespace": "default", "Labels": {"tier": "entry"}, "Annotations": {"example.com/note": "n"}}

    def rules(path):
        backend = {"serviceName": f"{world.ids['name']}-web", "servicePort": "81"}
        paths = [{"path": path, "pathType": "Prefix", "backend": backend}]
        return {"rules": [{"host": "shop.example.com", "secretName": "login", "paths": paths}]}

    world.call("CreateK8sIngressRule", IngressConf=rules("/a"), **name)
    world.call("UpdateK8sIngressRule", IngressConf=rules("/b"), **name)
    path = world.json("ingress", "entry")["spec"]["rules"][0]["http"]["paths"][0]
    equal((path["path"], path["backend"]["service"]["port"]["number"]), ("/b", 81), "the Ingress on the cluster")
    world.call("ListK8sIngressRules", Condition={"field": "Name", "pattern": "entry"})


def anything(world):
    """Objects as they are."""
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": "default"},
        "data": {"colour": "green"},
    }
    world.call("UpdateK8sResource", Namespace="default", ResourceContent=json.dumps(manifest))
    equal(world.json("configmap", "settings")["data"], {"colour": "green"}, "the object on the cluster")
    world.call("SynchronizeResource", Type="VPC_ECS", ResourceIds="i-1")


def conversion(world):
    """A Deployment of kubectl's becomes an application, and is not touched."""
    world.kubectl("create", "deployment", "plain", f"--image={IMAGE}:v1")
    world.kubectl("rollout", "status", "deployment/plain")
    before = world.json("deployment", "plain")
    world.call("ConvertK8sResource", Namespace="default", ResourceName="plain", ResourceType="deployment")
    equal(world.json("deployment", "plain")["metadata"]["resourceVersion"], before["metadata"]["resourceVersion"], "the Deployment's version")
    [listed] = world.sdk.call("ListApplication", AppName="plain")["ApplicationList"]["Application"]
    world.call("DeleteK8sApplication", AppId=listed["AppId"], Force=True)
    equal(world.kubectl("get", "deployments", "--field-selector", "metadata.name=plain", "-o", "name"), "", "the Deployment that is left")


def take_away(world):
    """What leads to the application is deleted, and a second time does not exist."""
    gone(world, "DeleteK8sIngressRule", "ingress", "entry")
    world.call("DeleteK8sService", Name=f"{world.ids['name']}-web")
    contains(world.call("DeleteK8sService", code=404, Name=f"{world.ids['name']}-web")["Message"], "does not exist", "the Message")
    equal(world.kubectl("get", "services", "-l", f"sternway.io/app-id={world.ids['app']}", "-o", "name"), "", "Services that are left")


def forget(world):
    """What the application read is deleted after it."""
    gone(world, "DeleteK8sSecret", "secret", "login")
    gone(world, "DeleteK8sConfigMap", "configmap", "settings")


def gone(world, operation, kind, name):
    world.call(operation, Name=name, Namespace="default")
    contains(world.call(operation, code=404, Name=name, Namespace="default")["Message"], "does not exist", "the Message")
    equal(world.kubectl("get", kind, "--field-selector", f"metadata.name={name}", "-o", "name"), "", f"what {operation} left")
