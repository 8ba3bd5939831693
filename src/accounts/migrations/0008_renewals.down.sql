ALTER TABLE sessions DROP COLUMN attempt;
ALTER TABLE sessions DROP COLUMN refresh_before;
