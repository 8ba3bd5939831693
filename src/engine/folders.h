/* The folders of the teams: teams/<team>/ with the team's file, tmp/ for files handed over, spill/
 * for DuckDB's own. */
#ifndef ENGINE_FOLDERS_H
#define ENGINE_FOLDERS_H

#include "base/arena.h"
#include "base/err.h"

/* Makes data_dir/teams, and removes every temporary file that an earlier run has left. No engine
 * process may run. */
MUST_CHECK err folders_open(struct arena *mem, const char *data_dir, char **teams_dir);
/* Makes a team's folders where they are missing. `team` is checked to be a UUID. */
MUST_CHECK err folder_make(struct arena *mem, const char *teams_dir, str team);
/* A fresh path in the team's tmp/. */
MUST_CHECK err folder_tmp_path(struct arena *mem, const char *teams_dir, str team, char **path);
/* Is it a plain file, directly in the team's tmp/? */
bool folder_owns(struct arena *mem, const char *teams_dir, str team, const char *path);

#endif
