"""The load generator: its own process, its arrival models, its latency histogram.

`client.LoadProcess` is how the rest of diag uses it.
"""
