"""What watches a target from outside: its spool files, its threads' states and stacks, its processes."""
