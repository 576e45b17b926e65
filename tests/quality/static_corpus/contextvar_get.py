from contextvars import ContextVar
user = ContextVar("user")
async def read():
    return user.get()
