-- Tables that several servers use. Times are unix seconds.

-- One row per value that may be used once: DPoP jti, nonces, assertion jti. The value itself is not kept.
CREATE TABLE replay (
    key_hash   TEXT   PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX replay_expires_at ON replay (expires_at);

CREATE TABLE audit (
    seq       INTEGER PRIMARY KEY AUTOINCREMENT,
    at        BIGINT  NOT NULL,
    kind      TEXT    NOT NULL,
    reference TEXT    NOT NULL,
    detail    TEXT    NOT NULL
);
CREATE INDEX audit_reference ON audit (reference, seq);

CREATE TABLE outbox (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    topic       TEXT    NOT NULL,
    destination TEXT    NOT NULL,
    reference   TEXT    NOT NULL,
    payload     TEXT    NOT NULL,
    state       TEXT    NOT NULL,
    attempts    BIGINT  NOT NULL,
    created_at  BIGINT  NOT NULL,
    next_at     BIGINT  NOT NULL,
    give_up_at  BIGINT  NOT NULL
);
CREATE INDEX outbox_due ON outbox (state, next_at);
CREATE INDEX outbox_reference ON outbox (reference, seq);
