-- Mediated linking. Times are unix seconds. No account id, PPID or DID stands here in plaintext; presentations
-- stand only inside the encrypted evidence.

-- A request and, once answered, the grant that it became: one row, one key.
CREATE TABLE grants (
    id              TEXT   PRIMARY KEY,
    state           TEXT   NOT NULL,
    recipient       TEXT   NOT NULL,
    provider        TEXT   NOT NULL,
    service_sha256  TEXT   NOT NULL,
    purpose_sha256  TEXT   NOT NULL,
    -- JSON: names of service and purpose, items, access, resource.
    details         TEXT   NOT NULL,
    dpop_jkt        TEXT   NOT NULL,
    terms_sha256    TEXT   NOT NULL,
    created_at      BIGINT NOT NULL,
    answer_by       BIGINT NOT NULL,
    not_after       BIGINT NOT NULL,
    -- What the request object is made from, encrypted; erased when the request is answered or lapses.
    exchange        TEXT,
    fetches         BIGINT NOT NULL,
    redirect_uri    TEXT,
    response_code   TEXT,
    -- The consent, once given.
    given_at        BIGINT,
    grant_jkt       TEXT,
    evidence_sha256 TEXT,
    acr             TEXT,
    sp_sealed_sub   TEXT,
    dp_sealed_sub   TEXT,
    status_list     BIGINT,
    status_idx      BIGINT,
    max_links       BIGINT,
    links_minted    BIGINT NOT NULL,
    last_minted_at  BIGINT,
    ended_at        BIGINT
);
CREATE UNIQUE INDEX grants_status ON grants (status_list, status_idx);
CREATE INDEX grants_not_after ON grants (state, not_after);
CREATE INDEX grants_answer_by ON grants (state, answer_by);

-- The evidence bundle, encrypted, found by its hash.
CREATE TABLE evidence (
    grant_id TEXT PRIMARY KEY,
    sha256   TEXT NOT NULL,
    sealed   TEXT NOT NULL
);
CREATE UNIQUE INDEX evidence_sha256 ON evidence (sha256);

-- One row per minted link: what the frequency is counted from, and what a release report names.
CREATE TABLE links (
    grant_id    TEXT   NOT NULL,
    txn         TEXT   NOT NULL,
    minted_at   BIGINT NOT NULL,
    reported_at BIGINT,
    PRIMARY KEY (grant_id, txn)
);
CREATE INDEX links_minted_at ON links (grant_id, minted_at);
