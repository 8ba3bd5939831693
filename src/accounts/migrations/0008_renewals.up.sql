-- A client that lost the answer of a renewal asks once more, naming the same renewal.
ALTER TABLE sessions ADD COLUMN refresh_before TEXT; -- jti of the refresh token that the good one came from
ALTER TABLE sessions ADD COLUMN renewal TEXT;        -- how the client named that renewal
