ALTER TABLE relations DROP COLUMN next_sql;
