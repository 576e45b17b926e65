"""Hello world, as the presets `apachebench` and `h2load-container` serve it: the handler does nothing.

Where it comes from: benchmarks of frameworks. What they measure is the server, the framework, and how
    connections are made: all but the handler.
What blocks: nothing; a loop has done its part of a request after a fraction of a millisecond.
"""

import diag


async def hello_async() -> dict[str, str]:
    return {"hello": "world"}


@diag.workload(
    kind="io", native=hello_async, expect=diag.Clean(because="it returns at once, and awaits nothing")
)
def hello() -> dict[str, str]:
    return {"hello": "world"}
