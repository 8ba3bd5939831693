-- Tables and views share one space of names, without regard to case.
CREATE TABLE relations (
    team TEXT NOT NULL,
    name_key TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('table', 'view')),
    version BIGINT NOT NULL,
    row_count BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    columns TEXT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    -- of a view
    sql_query TEXT,
    is_volatile BOOLEAN NOT NULL DEFAULT FALSE,
    inputs TEXT,
    refreshed_at BIGINT,
    duration_us BIGINT,
    error TEXT,
    PRIMARY KEY (team, name_key)
);

CREATE TABLE dependencies (
    team TEXT NOT NULL,
    view_key TEXT NOT NULL,
    reads_key TEXT NOT NULL,
    PRIMARY KEY (team, view_key, reads_key)
);

CREATE TABLE loads (
    team TEXT NOT NULL,
    id TEXT NOT NULL,
    table_name TEXT NOT NULL,
    mode TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('running', 'succeeded', 'failed')),
    bytes BIGINT NOT NULL,
    row_count BIGINT NOT NULL,
    base_version BIGINT NOT NULL,
    error TEXT,
    created BIGINT NOT NULL,
    finished BIGINT,
    PRIMARY KEY (team, id)
);
CREATE INDEX loads_running ON loads (team) WHERE state = 'running';

-- Ids of jobs count from 1 in each team; the key is the clock's, one for the whole store.
CREATE TABLE counters (
    team TEXT NOT NULL,
    name TEXT NOT NULL,
    last BIGINT NOT NULL,
    PRIMARY KEY (team, name)
);

CREATE TABLE jobs (
    team TEXT NOT NULL,
    id BIGINT NOT NULL,
    clock_key BIGINT NOT NULL UNIQUE,
    view_key TEXT NOT NULL,
    crontab_def TEXT NOT NULL,
    timezone TEXT NOT NULL,
    notify TEXT NOT NULL CHECK (notify IN ('always', 'changed', 'non_empty')),
    active BOOLEAN NOT NULL,
    created BIGINT NOT NULL,
    last_due BIGINT NOT NULL,
    PRIMARY KEY (team, id)
);
CREATE INDEX jobs_view ON jobs (team, view_key);

-- A row is written before the engine is asked: one that is still running after a start was cut off.
CREATE TABLE runs (
    team TEXT NOT NULL,
    id TEXT NOT NULL,
    job BIGINT,
    view_key TEXT NOT NULL,
    due BIGINT NOT NULL,
    started BIGINT NOT NULL,
    duration_us BIGINT,
    outcome TEXT NOT NULL CHECK (outcome IN ('running', 'succeeded', 'skipped', 'failed')),
    version BIGINT,
    error TEXT,
    PRIMARY KEY (team, id)
);
CREATE UNIQUE INDEX runs_due ON runs (team, job, due);
CREATE INDEX runs_job ON runs (team, job, id);
CREATE INDEX runs_running ON runs (team) WHERE outcome = 'running';
CREATE INDEX runs_started ON runs (started);

CREATE TABLE channels (
    team TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    include TEXT,
    created BIGINT NOT NULL,
    PRIMARY KEY (team, id)
);

CREATE TABLE channel_jobs (
    team TEXT NOT NULL,
    channel TEXT NOT NULL,
    job BIGINT NOT NULL,
    PRIMARY KEY (team, channel, job)
);
CREATE INDEX channel_jobs_job ON channel_jobs (team, job);
