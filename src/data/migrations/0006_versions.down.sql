DROP INDEX loads_state;
ALTER TABLE loads DROP COLUMN bytes_done;
ALTER TABLE runs DROP COLUMN removed;
ALTER TABLE runs DROP COLUMN added;
ALTER TABLE runs DROP COLUMN trigger;
ALTER TABLE relations DROP COLUMN chart;
DROP TABLE view_versions;
