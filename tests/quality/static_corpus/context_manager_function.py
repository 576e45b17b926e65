import contextlib, sqlite3
@contextlib.contextmanager
def connected():
    connection = sqlite3.connect("x")
    try:
        yield connection
    finally:
        connection.close()
async def read():
    with connected() as connection:
        connection.execute("select 1")
