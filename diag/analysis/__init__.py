"""Pure functions of a recording: joining, splitting, attributing. The rules judge what they return."""
