"""doit's commands: a file each."""
