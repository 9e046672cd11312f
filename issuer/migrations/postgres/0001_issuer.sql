-- One-time things of the issuer. Codes, tokens and session ids are stored as SHA-256 hashes. Rows live for minutes.
-- There is no PPID here, and nothing from which one could be computed without `k_ppid`.

CREATE TABLE pushed_requests (
    reference_hash TEXT PRIMARY KEY NOT NULL,
    client_id      TEXT NOT NULL,
    payload        TEXT NOT NULL,
    expires_at     BIGINT NOT NULL
);

CREATE TABLE logins (
    id_hash    TEXT PRIMARY KEY NOT NULL,
    stage      TEXT NOT NULL,
    payload    TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE TABLE codes (
    code_hash  TEXT PRIMARY KEY NOT NULL,
    grant_id   TEXT NOT NULL,
    payload    TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);

CREATE TABLE offers (
    id_hash           TEXT PRIMARY KEY NOT NULL,
    code_hash         TEXT NOT NULL UNIQUE,
    issuer_state_hash TEXT NOT NULL UNIQUE,
    grant_id          TEXT NOT NULL,
    payload           TEXT NOT NULL,
    tx_code_mac       TEXT,
    tx_tries          BIGINT NOT NULL,
    expires_at        BIGINT NOT NULL,
    used_at           BIGINT
);

CREATE TABLE access_tokens (
    token_hash TEXT PRIMARY KEY NOT NULL,
    grant_id   TEXT NOT NULL,
    payload    TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);

CREATE INDEX access_tokens_by_grant ON access_tokens (grant_id);
