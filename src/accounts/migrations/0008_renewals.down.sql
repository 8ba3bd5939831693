ALTER TABLE sessions DROP COLUMN renewal;
ALTER TABLE sessions DROP COLUMN refresh_before;
