-- The query that a view is being given, from before the engine is asked until its version is told.
ALTER TABLE relations ADD COLUMN next_sql TEXT;
