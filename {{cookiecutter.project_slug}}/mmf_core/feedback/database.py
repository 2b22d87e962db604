"""The tables of feedback: the responses, the feedback on their rows, and its sums.

The sums are kept by triggers, in the transaction that changes a row: a scrape reads few rows,
whatever the number of responses, and finds the same in every worker.
"""

from __future__ import annotations

NO_BIN = -1
"""The bin of rows whose prediction has no probability."""
_SUMS = """
    rewards = rewards {sign} ({row}.reward IS NOT NULL),
    reward = reward {sign} coalesce({row}.reward, 0),
    classes = classes {sign} ({row}.hit IS NOT NULL),
    hits = hits {sign} coalesce({row}.hit, 0),
    quantities = quantities {sign} ({row}.error IS NOT NULL),
    error = error {sign} coalesce({row}.error, 0),
    probability = probability {sign} coalesce({row}.probability, 0)
    WHERE served = {row}.served AND bin = {row}.bin"""
_ADD = f"""
    INSERT INTO sums (served, bin) SELECT NEW.served, NEW.bin WHERE NOT EXISTS (
        SELECT 1 FROM sums WHERE served = NEW.served AND bin = NEW.bin);
    UPDATE sums SET {_SUMS.format(sign="+", row="NEW")}"""
_SUBTRACT = f"UPDATE sums SET {_SUMS.format(sign='-', row='OLD')}"
_ARMS = """
    WHERE since < NEW.answer
    AND version = (SELECT version FROM served WHERE served.id = NEW.served)"""
MIGRATIONS = (
    f"""
CREATE TABLE served (
    id INTEGER PRIMARY KEY,
    target TEXT NOT NULL,
    version TEXT NOT NULL,
    UNIQUE (target, version)
);
CREATE TABLE answers (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    client_id TEXT,
    served INTEGER NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    rows INTEGER NOT NULL,
    predictions BLOB
);
CREATE INDEX answers_by_id ON answers (id);
CREATE INDEX answers_by_client_id ON answers (client_id) WHERE client_id IS NOT NULL;
CREATE TABLE feedback (
    answer INTEGER NOT NULL REFERENCES answers (seq) ON DELETE CASCADE,
    row INTEGER NOT NULL,
    served INTEGER NOT NULL,
    reward DOUBLE PRECISION,
    hit INTEGER,
    error DOUBLE PRECISION,
    bin INTEGER NOT NULL DEFAULT {NO_BIN},
    probability DOUBLE PRECISION,
    PRIMARY KEY (answer, row)
) WITHOUT ROWID;
CREATE TABLE sums (
    served INTEGER NOT NULL,
    bin INTEGER NOT NULL,
    rewards INTEGER NOT NULL DEFAULT 0,
    reward DOUBLE PRECISION NOT NULL DEFAULT 0,
    classes INTEGER NOT NULL DEFAULT 0,
    hits INTEGER NOT NULL DEFAULT 0,
    quantities INTEGER NOT NULL DEFAULT 0,
    error DOUBLE PRECISION NOT NULL DEFAULT 0,
    probability DOUBLE PRECISION NOT NULL DEFAULT 0,
    PRIMARY KEY (served, bin)
) WITHOUT ROWID;
CREATE TABLE arms (
    key TEXT NOT NULL,
    version TEXT NOT NULL,
    since INTEGER NOT NULL,
    rewards INTEGER NOT NULL DEFAULT 0,
    reward DOUBLE PRECISION NOT NULL DEFAULT 0,
    PRIMARY KEY (key, version)
) WITHOUT ROWID;
CREATE TABLE dropped (answers INTEGER NOT NULL);
INSERT INTO dropped VALUES (0);
CREATE TRIGGER feedback_given AFTER INSERT ON feedback BEGIN {_ADD};
    UPDATE arms SET rewards = rewards + 1, reward = reward + NEW.reward {_ARMS}
    AND NEW.reward IS NOT NULL;
END;
CREATE TRIGGER feedback_changed AFTER UPDATE ON feedback BEGIN {_SUBTRACT}; {_ADD};
    UPDATE arms SET rewards = rewards + (OLD.reward IS NULL),
        reward = reward + NEW.reward - coalesce(OLD.reward, 0) {_ARMS}
    AND NEW.reward IS NOT NULL;
END;
CREATE TRIGGER feedback_removed AFTER DELETE ON feedback BEGIN {_SUBTRACT};
END;
""",
    """
ALTER TABLE answers RENAME TO responses;
ALTER TABLE feedback RENAME COLUMN answer TO response;
ALTER TABLE dropped RENAME COLUMN answers TO responses;
""",
)
"""What each version of the schema has added to the one before; none may be changed."""
