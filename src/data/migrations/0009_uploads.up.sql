-- Files that come in pieces. Of each file, bytes_done bytes are on disk.
CREATE TABLE uploads (
    team TEXT NOT NULL,
    id TEXT NOT NULL,
    filename TEXT,
    bytes BIGINT NOT NULL,
    bytes_done BIGINT NOT NULL,
    created BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (team, id)
);
CREATE INDEX uploads_expire ON uploads (expires_at);

-- The upload that a load is of.
ALTER TABLE loads ADD COLUMN upload TEXT;
