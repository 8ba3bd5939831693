-- The versions that a view has had, for as long as the log is kept; the newest one always.
CREATE TABLE view_versions (
    team TEXT NOT NULL,
    view_key TEXT NOT NULL,
    version BIGINT NOT NULL,
    refreshed_at BIGINT NOT NULL,
    row_count BIGINT NOT NULL,
    added BIGINT NOT NULL,
    removed BIGINT NOT NULL,
    duration_us BIGINT NOT NULL,
    was_reset BOOLEAN NOT NULL,
    PRIMARY KEY (team, view_key, version)
);
CREATE INDEX view_versions_refreshed ON view_versions (refreshed_at);

-- How a view is drawn, for those who draw it.
ALTER TABLE relations ADD COLUMN chart TEXT;

-- Who asked for a run: the schedule, a person, or a view that reads this one.
ALTER TABLE runs ADD COLUMN trigger TEXT NOT NULL DEFAULT 'schedule' CHECK (trigger IN ('schedule', 'hand', 'reader'));
ALTER TABLE runs ADD COLUMN added BIGINT NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN removed BIGINT NOT NULL DEFAULT 0;
UPDATE runs SET trigger = 'hand' WHERE job IS NULL;

ALTER TABLE loads ADD COLUMN bytes_done BIGINT NOT NULL DEFAULT 0;
UPDATE loads SET bytes_done = bytes WHERE state = 'succeeded';
CREATE INDEX loads_state ON loads (team, state, id);
