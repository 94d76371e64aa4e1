use super::super::edit::{self, Edit, ResourceBound};
use super::*;

fn jar(digest: char, java: Value) -> Package {
    Package {
        kind: PackageKind::FatJar,
        url: "http://ci/app.jar".into(),
        file: "app.jar".into(),
        digest: digest.to_string().repeat(64),
        size: 3,
        jdk: "Open JDK 8".into(),
        web_container: String::new(),
        build_pack: None,
        base_image: None,
        java: java.as_object().unwrap().clone(),
        tomcat: Tomcat::default(),
    }
}

fn war(java: Value, config: Value) -> Package {
    let tomcat = Tomcat { config: serde_json::from_value(config).unwrap(), ..Tomcat::default() };
    Package { kind: PackageKind::War, file: "shop.war".into(), tomcat, ..jar('a', java) }
}

fn edit(package: Package) -> Edit {
    Edit::Package(Box::new(PackageRun {
        download_url: format!("http://server/packages/{}", package.digest),
        package,
        image: "jre".into(),
        download_image: "curl".into(),
    }))
}

fn blank() -> PodTemplate {
    PodTemplate::new(json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web"}]}}))
}

fn apply_all(template: &PodTemplate, edits: &[Edit]) -> PodTemplate {
    edit::apply(template, edits).unwrap()
}

fn memory() -> Value {
    json!({"MaxHeapSize": {"original": 512, "startup": "-Xmx512m"}, "CustomParams": {"startup": "-Da='b c'"}})
}

#[test]
fn a_jar_is_downloaded_checked_and_started() {
    let template = apply_all(&blank(), &[edit(jar('a', memory()))]);
    let spec = &template.json()["spec"];
    let main = &spec["containers"][0];
    assert_eq!(main["image"], "jre");
    assert_eq!(main["command"], json!(["java", "-Xmx512m", "-Da=b c", "-jar", "/home/admin/app/app.jar"]));
    assert_eq!(main["volumeMounts"], json!([{"name": "package-file", "mountPath": "/home/admin/app"}]));
    assert_eq!(spec["volumes"], json!([{"name": "package-file", "emptyDir": {}}]));
    let init = &spec["initContainers"][0];
    assert_eq!(init["env"][0]["value"], format!("http://server/packages/{}", "a".repeat(64)));
    assert_eq!(init["env"][1]["value"], "a".repeat(64));
    assert_eq!(init["env"][2]["value"], "/home/admin/app/app.jar");
    assert_eq!(Package::of(&template), Some(jar('a', memory())));
    assert_eq!(template.content(), "Package: app.jar");
}

#[test]
fn tomcat_is_set_up_as_asked() {
    let root = "/home/admin/app/ROOT.war";
    for (config, path, expected) in [
        (
            json!(null),
            root,
            r#"port="8080" protocol="HTTP/1.1" connectionTimeout="20000" maxThreads="400" URIEncoding="ISO-8859-1" useBodyEncodingForURI="false""#,
        ),
        (
            json!({"httpPort": 8088, "maxThreads": 7, "uriEncoding": "GBK", "useBodyEncoding": true}),
            root,
            r#"port="8088" protocol="HTTP/1.1" connectionTimeout="20000" maxThreads="7" URIEncoding="GBK" useBodyEncodingForURI="true""#,
        ),
        (json!({"useDefaultConfig": true, "httpPort": 8088, "contextInputType": "war"}), root, r#"port="8080""#),
        (json!({"contextInputType": "war"}), "/home/admin/app/shop.war", "appBase=\"/home/admin/app\""),
        (json!({"contextInputType": "custom", "contextPath": "/a/b/"}), "/home/admin/app/a#b.war", "<Server"),
        (json!({"useAdvancedServerXml": true, "serverXml": "<mine/>"}), root, "<mine/>"),
    ] {
        let template = apply_all(&blank(), &[edit(war(memory(), config.clone()))]);
        let json = template.json();
        let server_xml = json["metadata"]["annotations"][SERVER_XML_ANNOTATION].as_str().unwrap();
        assert!(server_xml.contains(expected), "{config}: {server_xml}");
        assert_eq!(json["spec"]["initContainers"][0]["env"][2]["value"], path, "{config}");
        let main = &json["spec"]["containers"][0];
        assert_eq!(main["command"], json!(["catalina.sh", "run", "-config", "/home/admin/conf/server.xml"]));
        assert_eq!(main["env"], json!([{"name": "CATALINA_OPTS", "value": "-Xmx512m -Da='b c'"}]));
        assert_eq!(json["spec"]["volumes"][1]["downwardAPI"]["items"][0]["path"], "server.xml");
    }
}

#[test]
fn the_next_package_leaves_nothing_of_the_one_before() {
    let next = edit(jar('b', json!({})));
    for before in [jar('a', memory()), war(memory(), json!(null))] {
        let first = apply_all(&blank(), &[edit(before)]);
        assert_eq!(apply_all(&first, std::slice::from_ref(&next)), apply_all(&blank(), std::slice::from_ref(&next)));
    }
    let once = apply_all(&blank(), std::slice::from_ref(&next));
    assert_eq!(apply_all(&once, std::slice::from_ref(&next)).digest(), once.digest(), "the same again changes nothing");
}

#[test]
fn what_the_user_said_stays() {
    let sidecar = json!({"name": "mine", "image": "x"});
    let said = [
        Edit::Command(vec!["sh".into()]),
        Edit::Args(vec!["-c".into()]),
        Edit::Env(vec![json!({"name": "A", "value": "1"})]),
        Edit::InitContainers(vec![sidecar.clone()]),
    ];
    let mut edits = said.to_vec();
    edits.push(edit(war(memory(), json!(null))));
    let template = apply_all(&blank(), &edits);
    let template = apply_all(&template, &[edit(jar('b', json!({})))]);
    let spec = &template.json()["spec"];
    assert_eq!(spec["containers"][0]["command"], json!(["sh"]));
    assert_eq!(spec["containers"][0]["args"], json!(["-c"]));
    assert_eq!(spec["containers"][0]["env"], json!([{"name": "A", "value": "1"}]));
    assert_eq!(spec["initContainers"][1], sidecar);

    let cleared = apply_all(&template, &[Edit::Command(vec![]), edit(jar('b', json!({})))]);
    assert_eq!(
        cleared.json()["spec"]["containers"][0]["command"][0],
        "java",
        "without a command of theirs, ours is back"
    );
}

#[test]
fn options_given_twice_are_refused() {
    let theirs = Edit::Env(vec![json!({"name": "CATALINA_OPTS", "value": "-Xmx1g"})]);
    let refused = edit::apply(&blank(), &[theirs.clone(), edit(war(memory(), json!(null)))]);
    assert_eq!(refused, Err(EditError::OptionsTaken("CATALINA_OPTS")));
    assert!(edit::apply(&blank(), &[theirs, edit(war(json!({}), json!(null)))]).is_ok());
}

#[test]
fn the_download_has_the_bounds_of_the_application() {
    let limit = Edit::Resource { bound: ResourceBound::Limits, name: "cpu", quantity: Some("1".into()) };
    let context = Edit::SecurityContext(Some(json!({"runAsUser": 7})));
    let template = apply_all(&blank(), &[edit(jar('a', json!({}))), limit, context]);
    let init = &template.json()["spec"]["initContainers"][0];
    assert_eq!(init["resources"]["limits"]["cpu"], "1");
    assert_eq!(init["securityContext"]["runAsUser"], 7);
    let template = apply_all(&template, &[Edit::SecurityContext(None)]);
    assert_eq!(template.json()["spec"]["initContainers"][0].get("securityContext"), None);
}
