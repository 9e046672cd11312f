//! How status lists are served (Token Status List §8, §9).

use enishi_credential::status::StatusListAggregation;

use super::support::{Answer, World};

const JWT: &str = "application/statuslist+jwt";

fn uri(world: &World) -> String {
    format!("{}/status-lists/1", world.base)
}

async fn get(world: &World, headers: &[(&str, &str)]) -> Answer {
    world.call("GET", &uri(world), headers, None).await
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn the_status_list_is_revalidated_by_its_etag() {
    let world = World::linking().await;
    let first = get(&world, &[]).await;
    let etag = header(&first, "etag").to_owned();
    assert_eq!((first.status.as_u16(), header(&first, "content-type")), (200, JWT));
    assert_eq!(header(&first, "cache-control"), "public, max-age=15, must-revalidate");
    let listed = format!("\"other\", W/{etag}");
    for condition in [etag.as_str(), "*", listed.as_str()] {
        let same = get(&world, &[("if-none-match", condition), ("accept", JWT)]).await;
        assert_eq!((same.status.as_u16(), same.body.len()), (304, 0), "{condition}");
        for name in ["etag", "cache-control", "vary"] {
            assert_eq!(header(&same, name), header(&first, name), "{name}");
        }
    }
    // Nothing changed: not signed again, however often it is asked for and although the grants are looked at anew.
    world.clock.advance(100);
    assert_eq!(get(&world, &[("if-none-match", &etag)]).await.status, 304);
    let granted = world.grant(&World::wish()).await;
    assert_eq!(get(&world, &[("if-none-match", &etag)]).await.status, 304, "one more that holds");
    world.as_holder(&granted.grant_key, "DELETE", &format!("/grants/{}", granted.id)).await;
    let changed = get(&world, &[("if-none-match", &etag)]).await;
    assert_eq!(changed.status, 200);
    assert_ne!(header(&changed, "etag"), etag);
    // Half of its life is over: signed again although nothing changed.
    let etag = header(&changed, "etag").to_owned();
    world.clock.advance(149);
    assert_eq!(get(&world, &[("if-none-match", &etag)]).await.status, 304);
    world.clock.advance(1);
    assert_eq!(get(&world, &[("if-none-match", &etag)]).await.status, 200);
}

#[tokio::test]
async fn tsl_8_1_what_a_caller_does_not_take_is_not_sent() {
    let world = World::linking().await;
    for fine in [JWT, "*/*", "application/*;q=0.5", "application/statuslist+cwt, application/statuslist+jwt"]
    {
        assert_eq!(get(&world, &[("accept", fine)]).await.status, 200, "{fine}");
    }
    let etag = header(&get(&world, &[]).await, "etag").to_owned();
    for not in ["application/statuslist+cwt", "text/html", "application/statuslist+jwt;q=0"] {
        let refused = get(&world, &[("accept", not), ("if-none-match", &etag)]).await;
        assert_eq!(refused.problem(), (406, "not_acceptable".to_owned()), "{not}");
        assert_eq!(header(&refused, "vary"), "Accept");
    }
}

#[tokio::test]
async fn tsl_8_4_the_past_is_not_told() {
    let world = World::linking().await;
    let past = world.call("GET", &format!("{}?time=1686925000", uri(&world)), &[], None).await;
    assert_eq!(past.problem(), (501, "status_history_not_supported".to_owned()));
}

#[tokio::test]
async fn tsl_9_all_lists_are_named_where_each_of_them_says() {
    let world = World::linking().await;
    let all = world.call("GET", &format!("{}/status-lists", world.base), &[], None).await;
    assert_eq!((all.status.as_u16(), header(&all, "content-type")), (200, "application/json"));
    let all = StatusListAggregation::parse(&all.body).unwrap();
    assert_eq!(all.status_lists, [uri(&world)]);
    let token = get(&world, &[]).await.text();
    let payload = enishi_credential::encoding::b64::decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(claims["status_list"]["aggregation_uri"], format!("{}/status-lists", world.base));
}

#[tokio::test]
async fn lists_that_are_not_there_are_404() {
    let world = World::linking().await;
    for wrong in ["2", "0", "-1", "01", "x", "9223372036854775807", "9223372036854775808"] {
        let url = format!("{}/status-lists/{wrong}", world.base);
        assert_eq!(world.call("GET", &url, &[], None).await.problem().0, 404, "{wrong}");
    }
}

#[tokio::test]
async fn a_wallet_in_a_browser_may_read_and_revalidate() {
    let world = World::linking().await;
    let origin = ("origin", "https://wallet.example");
    let answer = get(&world, &[origin]).await;
    assert_eq!(header(&answer, "access-control-allow-origin"), "*");
    assert!(header(&answer, "access-control-expose-headers").contains("etag"));
    let asked = [
        origin,
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "if-none-match"),
    ];
    let preflight = world.call("OPTIONS", &uri(&world), &asked, None).await;
    assert!(header(&preflight, "access-control-allow-headers").contains("if-none-match"));
}
