import contextlib, sqlite3
async def read():
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(contextlib.closing(sqlite3.connect("x")))
        connection.execute("select 1")
