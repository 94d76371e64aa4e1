//! Values that operations expect, as far as they are known, and the parameters without which they do nothing.

/// Of operations that are served: parameters that the catalog does not call required, or does not have, and that most requests should have all the same.
pub(crate) const USUAL: &[(&str, &[&str])] = &[
    ("BindK8sSlb", &["ServicePortInfos"]),
    ("CreateApplicationScalingRule", &["AppId", "ScalingRuleName", "ScalingRuleTrigger"]),
    ("CreateK8sConfigMap", &["ClusterId", "Data", "Name", "Namespace"]),
    ("CreateK8sSecret", &["ClusterId", "Data", "Name", "Namespace"]),
    ("CreateWebhook", &["Events", "Format"]),
    ("DeleteApplicationScalingRule", &["AppId", "ScalingRuleName"]),
    ("DeleteConfigTemplate", &["Id"]),
    ("DeleteK8sConfigMap", &["ClusterId", "Name", "Namespace"]),
    ("DeleteK8sIngressRule", &["ClusterId", "Name", "Namespace"]),
    ("DeleteK8sSecret", &["ClusterId", "Name", "Namespace"]),
    ("DeleteLogPath", &["Path"]),
    ("DeleteUserDefineRegion", &["Id"]),
    ("DeployK8sApplication", &["OnFailure"]),
    ("DescribeApplicationScalingRules", &["AppId"]),
    ("DisableApplicationScalingRule", &["AppId", "ScalingRuleName"]),
    ("EnableApplicationScalingRule", &["AppId", "ScalingRuleName"]),
    ("ImportK8sCluster", &["KubeConfig", "ClusterName", "NasFileSystems"]),
    ("ListK8sNamespaces", &["ClusterId"]),
    ("MigrateApplication", &["appIds", "cmd", "rawData"]),
    ("QuerySlsLogStoreList", &["Type"]),
    ("RedeliverWebhook", &["MessageId"]),
    ("StartK8sAppPrecheck", &["AppName", "ImageUrl"]),
    ("UntagResources", &["TagKeys"]),
    ("UpdateApplicationScalingRule", &["AppId", "ScalingRuleName", "ScalingRuleTrigger"]),
    ("UpdateConfigTemplate", &["Content", "Id"]),
    ("UpdateK8sConfigMap", &["ClusterId", "Data", "Name", "Namespace"]),
    ("UpdateK8sIngressRule", &["ClusterId", "IngressConf", "Name", "Namespace"]),
    ("UpdateK8sResource", &["ClusterId", "ResourceContent"]),
    ("UpdateK8sSecret", &["ClusterId", "Data", "Name", "Namespace"]),
    ("UpdateWebhook", &["Enabled", "Events", "Url"]),
];

/// What one operation understands and others do not.
pub(crate) const OF_OPERATION: &[(&str, &str, &[&str])] = &[
    ("BindK8sSlb", "Type", &["internet", "intranet"]),
    ("ConvertK8sResource", "Namespace", &["default"]),
    ("ConvertK8sResource", "ResourceType", &["deployment", "Deployment"]),
    ("CreateK8sSecret", "Type", &["Opaque", "kubernetes.io/tls"]),
    ("CreateK8sService", "Type", &["ClusterIP", "NodePort"]),
    ("InsertSwimmingLane", "LogicalRegionId", &["cn-hangzhou"]),
    ("InsertSwimmingLane", "Tag", &["blue", "gray"]),
    ("MigrateApplication", "cmd", &["export", "import"]),
    ("QuerySlsLogStoreList", "Type", &["stdout", "file"]),
    ("SynchronizeResource", "Type", &["ecs", "all"]),
    ("UnbindK8sSlb", "Type", &["internet"]),
    ("UpdateK8sSecret", "Type", &["Opaque"]),
    ("UpdateK8sService", "Type", &["ClusterIP", "NodePort"]),
    ("UpdateK8sSlb", "Type", &["internet"]),
];

const HEADER_RULE: &str = r#"[{"priority":2,"path":"/traffic","condition":"AND","restItems":[{"type":"header","name":"user","value":"gray","cond":"==","operator":"rawvalue"}]}]"#;

/// Values of a parameter, wherever it is.
pub(crate) const KNOWN: &[(&str, &[&str])] = &[
    ("ImageUrl", &["registry.local/team/web:v3", "a:1"]),
    ("Image", &["registry.local/team/web:v4", "a:3"]),
    ("ImageTag", &["v5", "latest"]),
    ("PackageType", &["Image", "image"]),
    ("Namespace", &["default", "shop"]),
    ("ActionData", &["3:1;3:3", "1:1", "9:9"]),
    ("ResourceGroupIds", &["rg-1", "rg-1;rg-2"]),
    ("RoleId", &["1", "2"]),
    ("RoleIds", &["1", "1;2", ";"]),
    ("TargetUserId", &["target", "target", "nobody"]),
    // Objects of a cluster. One name for all kinds, so that what one operation makes another one finds.
    ("Name", &["thing", "thing", "a-name"]),
    ("SlbName", &["thing", "a-name"]),
    ("Type", &["ClusterIP", "NodePort", "internet", "intranet", "Opaque", "stdout", "file"]),
    ("ServicePorts", &[r#"[{"protocol":"TCP","port":80,"targetPort":8080}]"#]),
    ("ServicePortInfos", &[r#"[{"loadBalancerProtocol":"TCP","port":80,"targetPort":8080}]"#]),
    ("Port", &["80"]),
    ("TargetPort", &["8080"]),
    ("SlbProtocol", &["TCP", "http"]),
    ("ExternalTrafficPolicy", &["Local", "Cluster"]),
    ("Scheduler", &["rr", "wrr"]),
    ("Data", &[r#"[{"Key":"colour","Value":"red"}]"#, r#"{"colour":"cmVk"}"#]),
    ("Condition", &[r#"{"field":"Name","pattern":"thi"}"#]),
    (
        "IngressConf",
        &[
            r#"{"rules":[{"host":"a.example.com","paths":[{"path":"/","backend":{"serviceName":"thing","servicePort":"80"}}]}]}"#,
        ],
    ),
    ("ResourceType", &["application", "cluster", "Deployment", "ConfigMap"]),
    ("ResourceName", &["thing", "a-name"]),
    ("ResourceContent", &["apiVersion: v1\nkind: ConfigMap\nmetadata: {name: thing}\ndata: {colour: blue}\n"]),
    ("ResourceRegionId", &["cn-hangzhou"]),
    ("Tags", &[r#"[{"key":"team","value":"shop"}]"#]),
    ("TagKeys", &[r#"["team"]"#]),
    ("Hooks", &[r#"[{"name":"prestopInstance","script":"sleep 1","ignoreFail":true}]"#]),
    ("EntryRules", &[HEADER_RULE, r#"[{"percent":10}]"#, "[]"]),
    ("GroupId", &["all", "1"]),
    ("Path", &["/home/admin/logs/", "/var/log/"]),
    ("Configs", &[r#"[{"type":"stdout","logstore":"out","logDir":"stdout.log"}]"#, "[]"]),
    ("SlsConfigs", &[r#"[{"type":"stdout","logstore":"out"}]"#]),
    ("Format", &["JSON", "YAML"]),
    ("Content", &["{}", "[]"]),
    ("ScalingRuleName", &["rule"]),
    ("ScalingRuleType", &["trigger"]),
    (
        "ScalingRuleTrigger",
        &[
            r#"{"minReplicas":1,"maxReplicas":6,"triggers":[{"type":"app_metric","name":"cpu","metaData":"{\"metricType\":\"CPU\",\"targetAverageUtilization\":60}"}]}"#,
        ],
    ),
    (
        "ScalingBehaviour",
        &[
            r#"{"scaleUp":{"stabilizationWindowSeconds":0,"selectPolicy":"Max","policies":[{"type":"Pods","value":5,"periodSeconds":15}]}}"#,
        ],
    ),
    ("ScalingRuleMetric", &["1"]),
    ("ScalingRuleTimer", &["1"]),
    ("RegionTag", &["cn-hangzhou:test", "cn-hangzhou", "cn-beijing:a"]),
    ("RegionName", &["test", "测试"]),
    ("RegionId", &["cn-hangzhou"]),
    ("LogicalRegionId", &["cn-hangzhou", "cn-hangzhou:test"]),
    ("WorkloadType", &["Deployment"]),
    ("OnFailure", &["rollback", "pause", "keep"]),
    (
        "KubeConfig",
        &[
            "kind: Config\nusers: [{user: {token: brought-kubeconfig-token}}]",
            "kind: Config\nusers: [{user: {token: brought-kubeconfig-token",
            "apiVersion: v1\nkind: Config\nclusters: []\n# brought-kubeconfig-token \u{0}\n",
            r#"["brought-kubeconfig-token"]"#,
        ],
    ),
    ("Confirm", &["true", "True", "false"]),
    ("RetryStatus", &["true", "false"]),
    ("Command", &["/bin/web", r#"["sh","-c"]"#]),
    ("CommandArgs", &[r#"[{"argument":"-c"},{"argument":"--all"}]"#]),
    ("Args", &[r#"["-c","true"]"#, "['-c', 'it']"]),
    ("Envs", &[r#"[{"name":"A","value":"b"},{"name":"C","valueFrom":{"configMapKeyRef":{"name":"m","key":"k"}}}]"#]),
    ("EnvFroms", &[r#"[{"configMapRef":{"name":"c"}},{"secretRef":{"name":"s"},"prefix":"P_"}]"#]),
    ("Labels", &[r#"{"tier":"front"}"#]),
    ("Annotations", &[r#"{"note":"应用 <b>"}"#]),
    ("Liveness", &[r#"{"exec":{"command":["true"]},"periodSeconds":5}"#]),
    ("Readiness", &[r#"{"httpGet":{"path":"/","port":80,"scheme":"HTTP"},"timeoutSeconds":2}"#]),
    ("Startup", &[r#"{"tcpSocket":{"port":8080},"failureThreshold":30}"#]),
    ("PreStop", &[r#"{"exec":{"command":["sleep","5"]}}"#]),
    ("PostStart", &[r#"{"httpGet":{"path":"/warm","port":80}}"#]),
    ("EmptyDirs", &[r#"[{"mountPath":"/tmp"}]"#]),
    ("LocalVolume", &[r#"[{"type":"","nodePath":"/data","mountPath":"/data"}]"#]),
    ("ConfigMountDescs", &[r#"[{"name":"c","type":"ConfigMap","mountPath":"/etc/c"}]"#]),
    ("PvcMountDescs", &[r#"[{"pvcName":"p","mountPaths":[{"mountPath":"/p","readOnly":true}]}]"#]),
    ("MountDescs", &[r#"[{"nasPath":"/","mountPath":"/n"},{"nasPath":"/k8s/","mountPath":"/mnt/"}]"#]),
    ("NasId", &["0a1b2c-nas", "files"]),
    ("NasFileSystems", &[r#"{"0a1b2c-nas":{"nfs":{"server":"10.0.0.5"}},"files":{"claim":"files"}}"#]),
    ("CustomTolerations", &[r#"[{"key":"k","operator":"Equal","value":"v","effect":"NoSchedule"}]"#]),
    (
        "CustomAffinity",
        &[
            r#"{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"k","operator":"Exists"}]}]}}}"#,
        ],
    ),
    ("InitContainers", &["LSBuYW1lOiBhCiAgaW1hZ2U6IGI6MQo=", r#"[{"name":"a","image":"b:1"}]"#]),
    ("Sidecars", &["name: a\nimage: b:1\n", r#"[{"name":"a","image":"b:1","args":["x"]}]"#]),
    ("SecurityContext", &["runAsUser: 1000\n", r#"{"runAsUser":1000}"#]),
    ("VolumesStr", &[r#"[{"name":"v","emptyDir":{}}]"#]),
    (
        "UpdateStrategy",
        &[
            r#"{"type":"BatchUpdate","batchUpdate":{"batch":2,"releaseType":"auto","batchWaitTime":1}}"#,
            r#"{"type":"GrayBatchUpdate","batchUpdate":{"batch":2,"releaseType":"manual"},"grayUpdate":{"gray":1}}"#,
            "{'type': 'BatchUpdate', 'batchUpdate': {'batch': '2', 'releaseType': 'Manual'}}",
        ],
    ),
    ("JavaStartUpConfig", &[r#"{"InitialHeapSize":{"original":1000,"startup":"-Xms1000m"}}"#]),
    ("SecretName", &["pull"]),
    ("RuntimeClassName", &["gvisor"]),
];

#[cfg(test)]
mod tests {
    use crate::judge::BROUGHT_TOKEN;

    use super::*;

    #[test]
    fn the_kubeconfig_that_is_sent_has_the_credential_that_is_looked_for() {
        let known = KNOWN.iter().find(|(name, _)| *name == "KubeConfig").unwrap();
        assert!(known.1.iter().all(|value| value.contains(BROUGHT_TOKEN)));
    }

    #[test]
    fn what_is_said_of_operations_is_said_once() {
        assert!(USUAL.is_sorted_by(|one, next| one.0 < next.0));
        let names: Vec<_> = OF_OPERATION.iter().map(|known| (known.0, known.1)).collect();
        assert!(names.is_sorted_by(|one, next| one < next));
    }
}
