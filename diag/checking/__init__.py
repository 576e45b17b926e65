"""What `diag check` concludes from source and from a run, put side by side."""
