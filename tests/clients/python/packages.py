"""Packages: uploaded by Alibaba Cloud's SDK for object storage, as the plug-ins for Jenkins and Maven do, deployed, downloaded as pods do."""

import hashlib
import io
import json
import os
import urllib.error
import urllib.request
import zipfile

import oss2

from harness.suite import equal

LARGE = 1 << 20


def jar(content):
    """A JAR with this in it."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", "Main-Class: Shop\n")
        archive.writestr("content", content)
    return data.getvalue()


def register(account, scenario, region):
    generation = account.generation.name
    chain = f"{generation} packages"
    first, second = jar(b"one"), jar(os.urandom(LARGE))
    made = {}

    def bucket():
        """The bucket, with the temporary credentials of a new answer; and their prefix."""
        found = account.done("GetPackageStorageCredential")["Credential"]
        auth = oss2.StsAuth(found["AccessKeyId"], found["AccessKeySecret"], found["SecurityToken"])
        return oss2.Bucket(auth, f"http://{found['OssPublicEndpoint']}", found["Bucket"]), found["KeyPrefix"]

    def url(place, key):
        """What the plug-ins make of it: a host of Alibaba Cloud that is never asked."""
        return f"https://{place.bucket_name}.oss-{region}-internal.aliyuncs.com/{key}"

    def pods():
        listed = account.done("DescribeAppInstanceList", AppId=made["app"])["InstanceList"]
        pods = [json.loads(instance["PodRaw"]) for instance in listed]
        return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]

    def runs(content):
        """Every pod's init container asks for this content and knows its digest; the server sends it."""
        for pod in pods():
            (init,) = [container for container in pod["spec"]["initContainers"] if container["name"] == "package"]
            asked = {variable["name"]: variable["value"] for variable in init["env"]}
            equal(asked["PACKAGE_SHA256"], hashlib.sha256(content).hexdigest(), "the digest that the pod expects")
            with urllib.request.urlopen(asked["PACKAGE_URL"]) as answer:
                equal(answer.read(), content, "what the pod downloads")
            made["link"] = asked["PACKAGE_URL"]

    @scenario("a JAR is uploaded, and an application made of it", chain=chain)
    def create():
        place, prefix = bucket()
        key = f"{prefix}/apps/{generation}/é 1/shop.jar"
        equal(place.put_object(key, first).status, 200, "the status of the upload")
        equal(place.get_object(key).read(), first, "the object")
        equal(place.head_object(key).content_length, len(first), "its length")
        cluster = account.done("ListCluster", LogicalRegionId=region)["ClusterList"]["Cluster"][0]["ClusterId"]
        body = account.done(
            "InsertK8sApplication",
            AppName=f"jar-{generation}",
            ClusterId=cluster,
            LogicalRegionId=region,
            PackageType="FatJar",
            PackageUrl=url(place, urllib.request.quote(key)),
            PackageVersion="1",
            JDK="Open JDK 8",
            Replicas=2,
        )["ApplicationInfo"]
        made["app"] = body["AppId"]
        account.succeeds(body["ChangeOrderId"])
        runs(first)

    @scenario("the next JAR is uploaded in parts, and deployed", chain=chain)
    def deploy():
        place, prefix = bucket()
        key = f"{prefix}/apps/{generation}/2/shop.jar"
        upload = place.init_multipart_upload(key).upload_id
        half = len(second) // 2
        parts = []
        for number, part in enumerate((second[:half], second[half:]), start=1):
            parts.append(oss2.models.PartInfo(number, place.upload_part(key, upload, number, part).etag))
        place.complete_multipart_upload(key, upload, parts)
        body = account.done("DeployK8sApplication", AppId=made["app"], PackageUrl=url(place, key), PackageVersion="2")
        account.succeeds(body["ChangeOrderId"])
        runs(second)

    @scenario("the first JAR is gone back to", chain=chain)
    def go_back():
        listed = account.done("ListHistoryDeployVersion", AppId=made["app"])["PackageVersionList"]["PackageVersion"]
        (version,) = [version for version in listed if version["PackageVersion"] == "1"]
        body = account.done("DeployK8sApplication", AppId=made["app"], PackageVersionId=version["Id"])
        account.succeeds(body["ChangeOrderId"])
        runs(first)

    @scenario("a deleted application's package is not sent any more", chain=chain)
    def delete():
        account.succeeds(account.done("DeleteK8sApplication", AppId=made["app"])["ChangeOrderId"])
        try:
            urllib.request.urlopen(made["link"])
        except urllib.error.HTTPError as error:
            equal(error.code, 410, "the status of the download")
        else:
            raise AssertionError("the package was sent")

    @scenario("nothing is uploaded beside the own prefix", chain=f"{generation} uploads")
    def refused():
        place, _ = bucket()
        try:
            place.put_object("other/shop.jar", first)
        except oss2.exceptions.OssError as error:
            equal((error.status, error.code), (403, "AccessDenied"), "the refusal")
        else:
            raise AssertionError("the upload was let in")
