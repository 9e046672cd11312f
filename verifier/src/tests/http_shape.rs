//! What every endpoint does with what it does not expect: a precise 4xx, never a 500 (threat 21 and 22).

use super::support::World;

const ENDPOINTS: [(&str, &str); 12] = [
    ("POST", "/link-requests"),
    ("GET", "/link-requests/x"),
    ("POST", "/links"),
    ("GET", "/grants/x"),
    ("DELETE", "/grants/x"),
    ("GET", "/grants/x/events"),
    ("POST", "/release-reports"),
    ("GET", "/evidence/x"),
    ("GET", "/requests/x"),
    ("POST", "/requests/x"),
    ("POST", "/responses/x"),
    ("GET", "/status-lists/x"),
];

#[tokio::test]
async fn threat_21_nobody_gets_anything_without_proof_of_who_they_are() {
    let world = World::linking().await;
    for (method, path) in ENDPOINTS {
        for body in [b"".as_slice(), b"{}", b"{\"grant_id\":1}", b"\xff\x00", b"response=a&response=b"] {
            for kind in ["application/json", "application/x-www-form-urlencoded", "text/plain"] {
                let url = format!("{}{path}", world.base);
                let answer = world.call(method, &url, &[("content-type", kind)], Some(body.to_vec())).await;
                let status = answer.status.as_u16();
                assert!((400..500).contains(&status), "{method} {path} {kind}: {status}");
                answer.problem();
            }
        }
    }
}

#[tokio::test]
async fn odd_authentication_is_a_precise_4xx() {
    let world = World::linking().await;
    for value in ["Bearer", "Bearer ", "Bearer a.b.c", "Basic x", "DPoP x", "Bearer eyJhbGciOiJub25lIn0.e30."]
    {
        let url = format!("{}/link-requests/x", world.base);
        let answer = world.call("GET", &url, &[("authorization", value)], None).await;
        assert_eq!(answer.status, 401, "{value}");
        assert!(answer.headers.contains_key("www-authenticate"));
        let url = format!("{}/grants/x", world.base);
        assert_eq!(world.call("GET", &url, &[("dpop", value)], None).await.status, 401, "{value}");
    }
}

#[tokio::test]
async fn unknown_routes_wrong_methods_and_long_bodies_have_their_answers() {
    let world = World::linking().await;
    let at = |path: &str| format!("{}{path}", world.base);
    assert_eq!(world.call("GET", &at("/nothing"), &[], None).await.problem().0, 404);
    for (method, path) in
        [("PUT", "/link-requests"), ("GET", "/links"), ("POST", "/jwks"), ("PATCH", "/grants/x")]
    {
        assert_eq!(world.call(method, &at(path), &[], None).await.problem().0, 405, "{method} {path}");
    }
    let long = vec![b'a'; 70_000];
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let answer = world.call("POST", &at("/responses/x"), &form, Some(long.clone())).await;
    assert_eq!(answer.problem().0, 413);
    let assertion = world.assertion(&world.town.sp).await;
    let headers = [("authorization", assertion.as_str()), ("content-type", "application/json")];
    assert_eq!(world.call("POST", &at("/link-requests"), &headers, Some(long)).await.problem().0, 413);
}

#[tokio::test]
async fn threat_21_administration_is_on_the_internal_listener_behind_its_token() {
    let world = World::linking().await;
    let body = Some(b"{\"reason\":\"x\"}".to_vec());
    let json_type = [("content-type", "application/json")];
    let path = "/admin/grants/x/suspend";
    let public = world.call("POST", &format!("{}{path}", world.base), &json_type, body.clone()).await;
    assert_eq!(public.problem().0, 404);
    let internal = world.call("POST", &format!("{}{path}", world.internal), &json_type, body).await;
    assert_eq!(internal.problem().0, 401);
    let operator = world.as_operator("POST", path, Some(serde_json::json!({"reason": "x"}))).await;
    assert_eq!(operator.problem().0, 404);
    let ready = world.call("GET", &format!("{}/health/ready", world.internal), &[], None).await;
    assert_eq!(ready.status, 204);
}
