ALTER TABLE loads DROP COLUMN upload;
DROP TABLE uploads;
