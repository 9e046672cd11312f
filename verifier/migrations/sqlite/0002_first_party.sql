-- First-party verification: one row per presentation, erased when its result has been read or its time is over.
CREATE TABLE presentations (
    id            TEXT   PRIMARY KEY,
    state         TEXT   NOT NULL,
    created_at    BIGINT NOT NULL,
    answer_by     BIGINT NOT NULL,
    -- What the request object is made from, encrypted; erased when answered.
    exchange      TEXT,
    fetches       BIGINT NOT NULL,
    redirect_uri  TEXT,
    response_code TEXT,
    -- The result, encrypted; erased when read.
    result        TEXT
);
CREATE INDEX presentations_answer_by ON presentations (answer_by);
