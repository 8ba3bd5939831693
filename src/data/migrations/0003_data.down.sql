DROP TABLE channel_jobs;
DROP TABLE channels;
DROP TABLE runs;
DROP TABLE jobs;
DROP TABLE counters;
DROP TABLE loads;
DROP TABLE dependencies;
DROP TABLE relations;
