"""Objects of a cluster and of an application: Services, load balancers, Ingresses, ConfigMaps, Secrets, anything else."""

import json

from harness.suite import equal

from ..world import LEFT_OUT

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
    """A load balancer in front of it."""
    listeners = [{"loadBalancerProtocol": "TCP", "port": 80, "targetPort": 8080}]
    single = {"Port": "80", "TargetPort": "8080", "SlbProtocol": "TCP"}
    common = {"Type": "internet", "Scheduler": "rr", "Specification": "slb.s1.small", **single}
    world.call("BindK8sSlb", SlbId=LEFT_OUT, ServicePortInfos=listeners, **common)
    balancers = balancers_of(world)
    equal([port["port"] for port in balancers[0]["spec"]["ports"]], [80], "where the load balancer listens")
    world.call(
        "UpdateK8sSlb",
        SlbName=balancers[0]["metadata"]["name"],
        DisableForceOverride=False,
        ServicePortInfos=[{**listeners[0], "port": 8081}],
        **common,
    )
    equal([port["port"] for port in balancers_of(world)[0]["spec"]["ports"]], [8081], "where the load balancer listens")
    world.call("ListSlb", AddressType="internet", SlbType="clb", VpcId=LEFT_OUT)
    world.call("UnbindK8sSlb", Type="internet", SlbName=balancers[0]["metadata"]["name"])
    equal(balancers_of(world), [], "load balancers after the last was taken away")


def balancers_of(world):
    found = world.json("services", "-l", f"sternway.io/app-id={world.ids['app']}")["items"]
    return [service for service in found if service["spec"]["type"] == "LoadBalancer"]


def config_maps(world):
    """A ConfigMap."""
    name = {"Name": "settings", "Namespace": "default"}
    world.call("CreateK8sConfigMap", Data=[{"Key": "colour", "Value": "red"}], **name)
    world.call("UpdateK8sConfigMap", Data=[{"Key": "colour", "Value": "blue"}], **name)
    equal(world.json("configmap", "settings")["data"], {"colour": "blue"}, "the ConfigMap on the cluster")
    world.call(
        "ListK8sConfigMaps",
        Condition={"field": "Name", "pattern": "sett"},
        ShowRelatedApps=True,
        empty=["Result.ConfigMaps[].RelatedApps"],
    )


def secrets(world):
    """A Secret."""
    name = {"Name": "login", "Namespace": "default", "CertId": LEFT_OUT, "CertRegionId": LEFT_OUT, "Type": "Opaque"}
    world.call("CreateK8sSecret", Base64Encoded=False, Data=[{"Key": "password", "Value": "hidden"}], **name)
    world.call("UpdateK8sSecret", Base64Encoded=True, Data=[{"Key": "password", "Value": "aGlkZGVuMg=="}], **name)
    equal(world.json("secret", "login")["data"], {"password": "aGlkZGVuMg=="}, "the Secret on the cluster")
    world.call(
        "ListK8sSecrets",
        Condition={"field": "Name", "pattern": "login"},
        ShowRelatedApps=True,
        empty=[
            "Result.Secrets[].RelatedApps",
            "Result.Secrets[].RelatedIngressRules",
            "Result.Secrets[].CertDetail.DomainNames",
            "Result.Secrets[].CertDetail",
        ],
    )


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
    world.call("SynchronizeResource", Type="VPC_ECS", ResourceIds=LEFT_OUT)


def take_away(world):
    """What was made is deleted, and a second time does not exist."""
    for operation, name in (("DeleteK8sIngressRule", "entry"), ("DeleteK8sSecret", "login"), ("DeleteK8sConfigMap", "settings")):
        world.call(operation, Name=name, Namespace="default")
        world.call(operation, code=404, Name=name, Namespace="default")
    world.call("DeleteK8sService", Name=f"{world.ids['name']}-web")
    equal(world.kubectl("get", "services", "-l", f"sternway.io/app-id={world.ids['app']}", "-o", "name"), "", "Services that are left")
