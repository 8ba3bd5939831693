-- The counter of each team: the last number given, and its time.
CREATE TABLE event_logs (
    team TEXT PRIMARY KEY NOT NULL,
    last BIGINT NOT NULL,
    last_at BIGINT NOT NULL
);

-- Within a team, `at` never goes back, so that what is trimmed by time is always the oldest numbers.
-- `size` is the bytes of `data`, known without reading it.
CREATE TABLE events (
    team TEXT NOT NULL,
    n BIGINT NOT NULL,
    at BIGINT NOT NULL,
    type TEXT NOT NULL,
    subject TEXT,
    actor TEXT,
    size BIGINT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (team, n)
);
CREATE INDEX events_at ON events (at);
