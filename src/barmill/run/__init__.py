"""doit's side: targets as tasks, the checker, the state backend, the reporter and the commands. The only importer of doit."""
