"""One file an output: each turns a verdict into text, and none of them judges."""
