-- Who asks: teams, accounts, sessions, tickets. Times are microseconds since 1970 in UTC.
CREATE TABLE teams (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('personal', 'shared')),
    created BIGINT NOT NULL
);

CREATE TABLE accounts (
    id TEXT PRIMARY KEY NOT NULL,
    team TEXT NOT NULL REFERENCES teams (id), -- the personal one
    primary_email TEXT NOT NULL,              -- as typed
    email_key TEXT NOT NULL UNIQUE,           -- in lower case: who it is
    full_name TEXT,
    password TEXT NOT NULL,                   -- argon2id, in its own notation
    is_active BOOLEAN NOT NULL,
    is_superuser BOOLEAN NOT NULL,
    created BIGINT NOT NULL
);

CREATE TABLE memberships (
    team TEXT NOT NULL REFERENCES teams (id),
    account TEXT NOT NULL REFERENCES accounts (id),
    role TEXT NOT NULL CHECK (role IN ('owner', 'member')),
    created BIGINT NOT NULL,
    PRIMARY KEY (team, account)
);
CREATE INDEX memberships_account ON memberships (account);

CREATE TABLE sessions (
    id TEXT PRIMARY KEY NOT NULL,
    team TEXT NOT NULL REFERENCES teams (id),
    account TEXT NOT NULL REFERENCES accounts (id),
    refresh TEXT NOT NULL, -- the jti of the one refresh token that is good
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    ended BIGINT
);
CREATE INDEX sessions_account ON sessions (account);
CREATE INDEX sessions_expires ON sessions (expires);

CREATE TABLE tickets (
    hash TEXT PRIMARY KEY NOT NULL,
    team TEXT NOT NULL REFERENCES teams (id),
    session TEXT NOT NULL REFERENCES sessions (id),
    path TEXT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX tickets_session ON tickets (session);
CREATE INDEX tickets_expires ON tickets (expires);
