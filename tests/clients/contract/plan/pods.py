"""The parameters of InsertK8sApplication and DeployK8sApplication that describe pods: what they are at first, what a deploy makes
of them, and what has to be on the cluster then."""

from harness.suite import equal

FIRST, SECOND = 0, 1

# The file systems of the cluster, by their NasId.
FILE_SYSTEMS = {
    "shop-files": {"nfs": {"server": "nas.example.com", "path": "/export"}},
    "till-files": {"claim": "till-files"},
}

# A parameter's two values. Kubernetes shows some of them in another form: `shown` below.
VALUES = {
    "Annotations": ({"team.example.com/owner": "shop"}, {"team.example.com/owner": "till"}),
    "Args": (["serve", "--port=8080"], ["serve", "--port=8081"]),
    "Command": ("/bin/shop", "/bin/till"),
    "CommandArgs": ([{"argument": "serve"}], None),
    "ConfigMountDescs": (
        [{"name": "login", "type": "Secret", "mountPath": "/etc/login"}],
        [{"name": "settings", "type": "ConfigMap", "mountPath": "/etc/shop"}],
    ),
    "CustomAffinity": ({"podAntiAffinity": {}}, {"nodeAffinity": {}}),
    "CustomTolerations": (
        [{"key": "team", "operator": "Equal", "value": "shop", "effect": "NoSchedule"}],
        [{"key": "team", "operator": "Exists", "effect": "NoSchedule"}],
    ),
    "EmptyDirs": ([{"mountPath": "/scratch", "readOnly": False}], [{"mountPath": "/rest", "readOnly": True}]),
    "EnvFroms": ([{"configMapRef": {"name": "settings"}}], [{"secretRef": {"name": "login"}, "prefix": "LOGIN_"}]),
    "Envs": ([{"name": "GREETING", "value": "hello"}], [{"name": "GREETING", "value": "goodbye"}]),
    "InitContainers": ([{"name": "prepare", "image": "registry.local/tool:v1"}], [{"name": "prepare", "image": "registry.local/tool:v2"}]),
    "Labels": ({"tier": "front"}, {"tier": "back"}),
    "Liveness": ({"tcpSocket": {"port": 8080}, "initialDelaySeconds": 5, "periodSeconds": 10}, {"tcpSocket": {"port": 8081}}),
    "LocalVolume": (
        [{"type": "DirectoryOrCreate", "nodePath": "/var/shop", "mountPath": "/host"}],
        [{"type": "Directory", "nodePath": "/mnt", "mountPath": "/mnt"}],
    ),
    "MountDescs": ([{"nasPath": "/", "mountPath": "/nas"}], [{"nasPath": "/team/files", "mountPath": "/files"}]),
    "NasId": ("shop-files", "till-files"),
    "PostStart": ({"exec": {"command": ["true"]}}, {"exec": {"command": ["date"]}}),
    "PreStop": ({"exec": {"command": ["sleep", "1"]}}, {"exec": {"command": ["sleep", "2"]}}),
    "PvcMountDescs": (
        [{"pvcName": "stock", "mountPaths": [{"mountPath": "/stock", "readOnly": True}]}],
        [{"pvcName": "cash", "mountPaths": [{"mountPath": "/cash"}]}],
    ),
    "Readiness": ({"httpGet": {"path": "/ready", "port": 8080, "scheme": "HTTP"}}, {"httpGet": {"path": "/up", "port": 8081}}),
    "SecurityContext": ({"runAsUser": 1000}, {"runAsUser": 1001}),
    "Sidecars": ([{"name": "proxy", "image": "registry.local/proxy:v1"}], [{"name": "proxy", "image": "registry.local/proxy:v2"}]),
    "SlsConfigs": ([{"type": "stdout", "logstore": "first", "logDir": ""}], [{"type": "stdout", "logstore": "second", "logDir": ""}]),
    "Startup": ({"exec": {"command": ["true"]}}, {"exec": {"command": ["date"]}}),
    "TerminateGracePeriod": (30, 31),
    "VolumesStr": ([{"name": "first", "emptyDir": {}}], [{"name": "second", "emptyDir": {}}]),
}


def values(which):
    """The values of all of them."""
    return {name: both[which] for name, both in VALUES.items() if both[which] is not None}


def check(world, which, sent):
    """Compares the application's pod template with what the parameters that were sent have to make of it."""
    template = world.json("deployment", world.ids["name"])["spec"]["template"]
    for name, value in values(which).items():
        if name in sent:
            holds(shown(name, template), expected(name, value), f"{name} on the cluster")


def shown(name, template):
    """What the pod template has of a parameter."""
    spec, container = template["spec"], template["spec"]["containers"][0]
    place = {
        "Annotations": template["metadata"]["annotations"],
        "Args": container["args"],
        "Command": container["command"],
        "CommandArgs": container["args"],
        "CustomAffinity": spec.get("affinity"),
        "CustomTolerations": spec["tolerations"],
        "EnvFroms": container["envFrom"],
        "Envs": [variable for variable in container["env"] if variable["name"] == "GREETING"],
        "InitContainers": spec["initContainers"],
        "Labels": template["metadata"]["labels"],
        "Liveness": container["livenessProbe"],
        "MountDescs": [
            {"nasPath": f"/{mount.get('subPath', '')}", "mountPath": mount["mountPath"]}
            for mount in container["volumeMounts"]
            if mount["name"].startswith(FILE_SYSTEM)
        ],
        "NasId": [volume for volume in spec["volumes"] if volume["name"].startswith(FILE_SYSTEM)],
        "PostStart": container["lifecycle"]["postStart"],
        "PreStop": container["lifecycle"]["preStop"],
        "Readiness": container["readinessProbe"],
        "SecurityContext": container.get("securityContext"),
        "Sidecars": spec["containers"][1:],
        "SlsConfigs": [variable["name"] for variable in container["env"] if variable["name"].startswith("aliyun_logs_")],
        "Startup": container["startupProbe"],
        "TerminateGracePeriod": spec["terminationGracePeriodSeconds"],
        "VolumesStr": [volume for volume in spec["volumes"] if volume["name"] in ("first", "second")],
    }
    return place[name] if name in place else mounts(spec, PREFIXES[name])


# How the volume of NasId is named.
FILE_SYSTEM = "nas-mount-"
# How the volumes of a parameter are named.
PREFIXES = {"ConfigMountDescs": "config-mount-", "EmptyDirs": "empty-dir-", "LocalVolume": "local-volume-", "PvcMountDescs": "pvc-mount-"}


def mounts(spec, prefix):
    """(what is mounted, where, whether only to be read) of the volumes that are named like this."""
    volumes = {volume["name"]: {key: value for key, value in volume.items() if key != "name"} for volume in spec["volumes"]}
    mounted = spec["containers"][0]["volumeMounts"]
    return [
        (volumes[mount["name"]], mount["mountPath"], mount.get("readOnly", False)) for mount in mounted if mount["name"].startswith(prefix)
    ]


def expected(name, value):
    """A parameter as Kubernetes has it."""
    first = value[0] if isinstance(value, list) else value
    match name:
        case "Command":
            return [value]
        case "CommandArgs":
            return [item["argument"] for item in value]
        case "ConfigMountDescs" if first["type"] == "ConfigMap":
            return [({"configMap": {"name": first["name"]}}, first["mountPath"], False)]
        case "ConfigMountDescs":
            return [({"secret": {"secretName": first["name"]}}, first["mountPath"], False)]
        case "EmptyDirs":
            return [({"emptyDir": {}}, first["mountPath"], first["readOnly"])]
        case "LocalVolume":
            return [({"hostPath": {"path": first["nodePath"], "type": first["type"]}}, first["mountPath"], False)]
        case "NasId":
            file_system = FILE_SYSTEMS[value]
            return [file_system if "nfs" in file_system else {"persistentVolumeClaim": {"claimName": file_system["claim"]}}]
        case "PvcMountDescs":
            [mount] = first["mountPaths"]
            return [({"persistentVolumeClaim": {"claimName": first["pvcName"]}}, mount["mountPath"], mount.get("readOnly", False))]
        case "SlsConfigs":
            return [f"aliyun_logs_{first['logstore']}"]
        case _:
            return value


def holds(actual, wanted, what):
    """Raises unless all that is wanted is there; Kubernetes adds defaults of its own to objects."""
    if isinstance(wanted, dict) and isinstance(actual, dict):
        for key, value in wanted.items():
            holds(actual.get(key), value, f"{what}: {key}")
    elif isinstance(wanted, (list, tuple)) and isinstance(actual, (list, tuple)) and len(wanted) == len(actual):
        for one, other in zip(actual, wanted):
            holds(one, other, what)
    else:
        equal(actual, wanted, what)
