"""The environment variables that a command listens to."""

COMMAND_VARIABLE = "A2LC_COMMAND"  # set by scripts: the command that a reader can run to get the same tables
ATTACHED_VARIABLE = "A2LC_ATTACHED"  # set by a command that starts others: they end when their standard input does
