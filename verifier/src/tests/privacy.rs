//! Linkage protocol §12: what a mediating verifier keeps and says.

use std::collections::HashSet;

use enishi_credential::encoding::b64;

use super::support::{RESIDENT, World, did_of};

/// Everything that stands in the database's files, write-ahead log included.
fn database(world: &World) -> Vec<u8> {
    let mut bytes = std::fs::read(&world.database).unwrap();
    for suffix in ["-wal", "-shm"] {
        let mut name = world.database.clone().into_os_string();
        name.push(suffix);
        bytes.extend(std::fs::read(name).unwrap_or_default());
    }
    bytes
}

/// The text and, three layers deep, everything that base64url in it decodes to: tokens hide nothing from this test.
fn unfolded(text: &[u8]) -> Vec<u8> {
    let mut all = text.to_vec();
    let mut layer = text.to_vec();
    for _ in 0..3 {
        let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let runs = layer.split(|byte| !is_base64(byte)).filter(|run| run.len() >= 20);
        let decoded = runs.filter_map(|run| b64::decode(std::str::from_utf8(run).ok()?).ok());
        layer = decoded.collect::<Vec<_>>().join(&b'\n');
        all.push(b'\n');
        all.extend(&layer);
    }
    all
}

fn contains(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}

#[tokio::test]
async fn invariant_2_no_identifier_stands_in_the_database_or_in_an_answer() {
    let mut world = World::linking().await;
    let created = world.ask(&World::wish()).await;
    let request = world.fetch(&created.wallet_uri).await;
    let credentials = world.credentials(RESIDENT).await;
    let presented = world.present(request, &credentials).await;
    let mut said = world.post(&presented.post).await.body;
    let status = world.status(&created).await;
    said.extend(serde_json::to_vec(&status).unwrap());
    said.extend(world.mint(&status.grant_id.unwrap()).await.body);
    let path = format!("/grants/{}/events", created.link_request_id);
    said.extend(world.as_holder(&presented.grant_key, "GET", &path).await.body);
    world.stop().await;
    // The files as they are, for what was erased; the values, because long ones are cut into pages there.
    let mut stored = unfolded(&database(&world));
    stored.extend(values(&world).await.join("\n").into_bytes());
    let said = unfolded(&said);
    assert!(contains(&said, "sealed_sub") && contains(&said, "authorization_details"), "tokens are read");
    assert!(contains(&stored, &created.link_request_id), "the test reads the right files");
    // The thumbprint of the instance key is not among them: it stands in the header of the sealed identifier, and is as
    // fresh as that.
    for (credential, party) in credentials.iter().zip([&world.town.sp, &world.town.dp]) {
        for secret in [
            credential.ppid.expose().to_owned(),
            world.town.ppid(RESIDENT, &party.id).expose().to_owned(),
            did_of(credential),
            credential.held.view().link.commitment.to_base64url(),
        ] {
            assert!(!contains(&stored, &secret) && !contains(&said, &secret));
        }
    }
    for presentation in &presented.presentations {
        assert!(!contains(&stored, presentation.split('~').next().unwrap()), "only inside the evidence");
    }
}

/// Every text in the database, by value.
async fn values(world: &World) -> Vec<String> {
    let mut all = Vec::new();
    for table in ["grants", "evidence", "links", "audit", "outbox", "replay"] {
        let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info($1)")
            .bind(table)
            .fetch_all(world.store.pool())
            .await
            .unwrap();
        assert!(!columns.is_empty(), "{table}");
        for column in columns {
            let statement = format!("SELECT CAST({column} AS TEXT) FROM {table} WHERE {column} IS NOT NULL");
            let found: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(statement))
                .fetch_all(world.store.pool())
                .await
                .unwrap();
            all.extend(
                found.iter().map(|text| String::from_utf8_lossy(&unfolded(text.as_bytes())).into_owned()),
            );
        }
    }
    all
}

/// The strings of at least eleven base64 characters (64 bits), also inside JSON and JWE headers.
fn random_parts(texts: &[String]) -> HashSet<String> {
    let split = |c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_');
    texts
        .iter()
        .flat_map(|text| text.split(split))
        .filter(|part| part.len() >= 11)
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn invariant_1_nothing_random_repeats_across_two_sessions_of_one_person() {
    let world = World::linking().await;
    let first = world.grant(&World::wish()).await;
    world.minted(&first.id).await;
    let before = random_parts(&values(&world).await);
    assert!(before.contains(&first.id) && before.len() > 20, "the test sees what is stored");
    // Everything of the first session goes away, then the same person comes again.
    for table in ["grants", "evidence", "links", "audit", "outbox", "replay"] {
        let statement = sqlx::AssertSqlSafe(format!("DELETE FROM {table}"));
        sqlx::query(statement).execute(world.store.pool()).await.unwrap();
    }
    let second = world.grant(&World::wish()).await;
    world.minted(&second.id).await;
    let after = random_parts(&values(&world).await);
    let known: HashSet<String> = [
        // Of the parties and their declarations, the same for everybody.
        serde_json::to_value(World::wish()).unwrap()["dpop_jkt"].as_str().unwrap().to_owned(),
    ]
    .into_iter()
    .chain(random_parts(&world.town.declarations))
    .chain(world.town.declarations.iter().map(|text| enishi_protocol::declaration::sha256(text)))
    .chain(["blood_pressure", "link_issued", "substantial", "enishi-sealed-subject"].map(str::to_owned))
    .collect();
    let again: Vec<&String> = after.intersection(&before).filter(|part| !known.contains(*part)).collect();
    assert!(again.is_empty(), "{again:?}");
}
