"""JAR and WAR packages: where they are uploaded, what they run in, and what the pods get."""

import hashlib
import json
import urllib.request

import oss2

from harness.suite import equal
from python.packages import jar

from ..defaults import REGION
from ..world import LEFT_OUT
from .applications import AT_ONCE, WITHOUT_SERVICES

OPTIONS = {"MaxHeapSize": {"original": 512, "startup": "-Xmx512m"}}
CONTEXT = {"useDefaultConfig": False, "contextInputType": "custom", "contextPath": "shop", "httpPort": 8088, "maxThreads": 7}


def runtimes(world):
    """What packages may run in."""
    components = world.call("ListComponents")["ComponentList"]["Component"]
    equal({component["Type"] for component in components}, {"JDK", "TOMCAT"}, "the types of components")
    packs = world.call("ListBuildPack")["BuildPackList"]["BuildPack"]
    world.ids["packs"] = {pack["PackVersion"]: pack["ConfigId"] for pack in packs}
    equal(sorted(world.ids["packs"]), ["10.1", "7.0", "8.5", "9.0"], "the Tomcats")


def upload(world):
    """A package is put where the credentials of the answer say, by Alibaba Cloud's SDK for object storage."""
    found = world.call("GetPackageStorageCredential")["Credential"]
    bucket = oss2.Bucket(
        oss2.StsAuth(found["AccessKeyId"], found["AccessKeySecret"], found["SecurityToken"]),
        f"http://{found['OssPublicEndpoint']}",
        found["Bucket"],
    )
    world.packages = {name: jar(name.encode()) for name in ("shop.jar", "till.jar", "shop.war")}
    for name, content in world.packages.items():
        key = f"{found['KeyPrefix']}/{name}"
        equal(bucket.put_object(key, content).status, 200, "the status of the upload")
        # What the plug-ins make of it: a host of Alibaba Cloud that is never asked.
        world.ids[name] = f"https://{found['Bucket']}.oss-{REGION}-internal.aliyuncs.com/{key}"


def of_a_jar(world):
    """An application of a JAR, made, deployed anew and shown."""
    app = insert(world, "jar", PackageType="FatJar", JDK="Open JDK 8", JavaStartUpConfig=OPTIONS, PackageUrl=world.ids["shop.jar"])
    container = runs(world, "jar", "shop.jar", "eclipse-temurin:8-jre")
    equal(container["command"], ["java", "-Xmx512m", "-jar", "/home/admin/app/shop.jar"], "how the JAR is started")
    equal(container["args"], ["serve"], "the arguments of the program")
    shown = world.call("GetJavaStartUpConfig", AppId=app)["JavaStartUpConfig"]
    equal((shown["StartUpArgs"], json.loads(shown["OriginalConfigs"])), ("-Xmx512m", OPTIONS), "the options as they are shown")
    # Of a package, the runtime is a component.
    shown = world.call("GetK8sApplication", From="console", AppId=app)["Applcation"]
    equal(shown["DeployGroups"]["DeployGroup"][0]["Components"]["Components"][0]["ComponentKey"], "Open JDK 8", "the component")

    more = {"JavaStartUpConfig": {"Mine": {"original": "-Dtill=1", "startup": "-Dtill=1"}}, "PackageVersion": "build-2"}
    deploy(world, app, JDK="Open JDK 11", PackageUrl=world.ids["till.jar"], **more)
    container = runs(world, "jar", "till.jar", "eclipse-temurin:11-jre")
    equal(container["command"], ["java", "-Dtill=1", "-jar", "/home/admin/app/till.jar"], "how the JAR is started")
    versions = world.call("ListHistoryDeployVersion", AppId=app)["PackageVersionList"]["PackageVersion"]
    equal([version["PackageVersion"] for version in versions], ["build-2", "build-1"], "the versions")
    deploy(world, app, UserBaseImageUrl="registry.local/java:mine")
    runs(world, "jar", "till.jar", "registry.local/java:mine")
    delete(world, app)
    app = insert(
        world, "jar", PackageType="FatJar", JDK="Open JDK 8", PackageUrl=world.ids["shop.jar"], UserBaseImageUrl="registry.local/java:mine"
    )
    runs(world, "jar", "shop.jar", "registry.local/java:mine")
    delete(world, app)


def of_a_war(world):
    """An application of a WAR, with the Tomcat that is chosen in each of the three ways."""
    war = {"PackageType": "War", "CommandArgs": LEFT_OUT, "JDK": "Open JDK 11", "PackageUrl": world.ids["shop.war"]}
    settings = {"WebContainerConfig": CONTEXT, "UriEncoding": "UTF-8", "UseBodyEncoding": True}
    app = insert(world, "war", WebContainer="apache-tomcat-9.0", **settings, **war)
    runs(world, "war", "shop.war", "tomcat:9.0-jre11")
    server = world.json("deployment", "war")["spec"]["template"]["metadata"]["annotations"]["sternway.io/server.xml"]
    for attribute in ('port="8088"', 'maxThreads="7"', 'URIEncoding="UTF-8"', 'useBodyEncodingForURI="true"'):
        equal(attribute in server, True, f"{attribute} in {server}")
    shown = world.call("GetWebContainerConfig", AppId=app)["WebContainerConfig"]
    found = [shown[name] for name in ("ContextPath", "HttpPort", "MaxThreads", "UriEncoding", "UseBodyEncoding", "UseDefaultConfig")]
    equal(found, ["shop", 8088, 7, "UTF-8", True, False], "the settings as they are shown")

    deploy(world, app, WebContainer="apache-tomcat-10.1", WebContainerConfig={**CONTEXT, "httpPort": 8089}, UriEncoding="GBK", UseBodyEncoding=False)
    runs(world, "war", "shop.war", "tomcat:10.1-jre11")
    shown = world.call("GetWebContainerConfig", AppId=app)["WebContainerConfig"]
    found = [shown[name] for name in ("HttpPort", "UriEncoding", "UseBodyEncoding")]
    equal(found, [8089, "GBK", False], "the settings as they are shown")
    deploy(world, app, BuildPackId=world.ids["packs"]["9.0"])
    runs(world, "war", "shop.war", "tomcat:9.0-jre11")
    deploy(world, app, EdasContainerVersion="8.5")
    runs(world, "war", "shop.war", "tomcat:8.5-jre11")
    delete(world, app)
    for chosen in ({"BuildPackId": world.ids["packs"]["9.0"]}, {"EdasContainerVersion": "9.0"}):
        app = insert(world, "war", **chosen, **war)
        runs(world, "war", "shop.war", "tomcat:9.0-jre11")
        delete(world, app)


def insert(world, name, **values):
    """Makes an application of a package; returns its id."""
    of_images = {"ImageUrl": LEFT_OUT, "SecretName": LEFT_OUT, "ResourceGroupId": LEFT_OUT, "CsClusterId": LEFT_OUT}
    common = {"AppName": name, "Replicas": 1, "WorkloadType": "Deployment", "Command": LEFT_OUT, **of_images, **WITHOUT_SERVICES}
    return world.call("InsertK8sApplication", **common, **values)["ApplicationInfo"]["AppId"]


def deploy(world, app, **values):
    world.call("DeployK8sApplication", **{**AT_ONCE, "AppId": app, "Image": LEFT_OUT, "ImageTag": LEFT_OUT, "Command": LEFT_OUT, "Args": [], **values})


def delete(world, app):
    world.call("DeleteK8sApplication", AppId=app, Force=True)


def runs(world, name, package, image):
    """Every pod runs in this image, with an init container that brings this package, which the server sends. Returns the main container."""
    content = world.packages[package]
    [pod] = [
        pod
        for pod in world.json("pods", "-l", f"sternway.io/app-id={app_id(world, name)}")["items"]
        if "deletionTimestamp" not in pod["metadata"]
    ]
    [init] = [container for container in pod["spec"]["initContainers"] if container["name"] == "package"]
    asked = {variable["name"]: variable["value"] for variable in init["env"]}
    equal(asked["PACKAGE_SHA256"], hashlib.sha256(content).hexdigest(), "the digest that the pod expects")
    with urllib.request.urlopen(asked["PACKAGE_URL"]) as answer:
        equal(answer.read(), content, "what the pod downloads")
    container = pod["spec"]["containers"][0]
    equal(container["image"], image, "the image that the package runs in")
    return container


def app_id(world, name):
    return world.json("deployment", name)["spec"]["template"]["metadata"]["labels"]["sternway.io/app-id"]
