"""The environment variables that a command listens to."""

COMMAND_VARIABLE = "A2LC_COMMAND"  # set by scripts: the command that a reader can run to get the same tables
