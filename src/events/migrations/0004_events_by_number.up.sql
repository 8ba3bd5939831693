-- Within a team the oldest numbers are the oldest times: trimming needs no order by time of its own.
DROP INDEX events_at;
