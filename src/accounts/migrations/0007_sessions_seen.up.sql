-- What a person needs to recognise a session in a list of them.
ALTER TABLE sessions ADD COLUMN last_used BIGINT NOT NULL DEFAULT 0; -- its refresh token was last renewed
ALTER TABLE sessions ADD COLUMN user_agent TEXT;                     -- of the sign-in
ALTER TABLE sessions ADD COLUMN address TEXT;                        -- of the sign-in
UPDATE sessions SET last_used = created;
CREATE INDEX sessions_alive ON sessions (account, id) WHERE ended IS NULL;
