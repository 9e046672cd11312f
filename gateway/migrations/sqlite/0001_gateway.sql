-- What the gateway keeps: verdicts on evidence, grants that it was told to stop, uses of links.

-- Evidence that was re-verified completely. `sealed_sub` is sealed to this party; nothing here is readable by others.
CREATE TABLE evidence (
    sha256      TEXT   NOT NULL PRIMARY KEY,
    verifier    TEXT   NOT NULL,
    grant_id    TEXT   NOT NULL,
    terms       TEXT   NOT NULL,
    terms_other TEXT   NOT NULL,
    sealed_sub  TEXT   NOT NULL,
    jkt         TEXT   NOT NULL,
    issuer      TEXT   NOT NULL,
    acr         TEXT   NOT NULL,
    given_at    BIGINT NOT NULL,
    verified_at BIGINT NOT NULL
);

-- What this gateway was told about each grant. Its row is written before a use is counted, so that of concurrent uses
-- and notices each sees the other.
CREATE TABLE grant_state (
    verifier  TEXT   NOT NULL,
    grant_id  TEXT   NOT NULL,
    event     TEXT   NOT NULL,
    stopped   BIGINT NOT NULL,
    final     BIGINT NOT NULL,
    told_at   BIGINT NOT NULL,
    touched   BIGINT NOT NULL,
    PRIMARY KEY (verifier, grant_id)
);

-- Links that were used: how often, and when they were minted (for the frequency of the consent).
CREATE TABLE link_use (
    verifier  TEXT   NOT NULL,
    jti       TEXT   NOT NULL,
    grant_id  TEXT   NOT NULL,
    minted_at BIGINT NOT NULL,
    uses      BIGINT NOT NULL,
    PRIMARY KEY (verifier, jti)
);
CREATE INDEX link_use_by_grant ON link_use (verifier, grant_id, minted_at);
