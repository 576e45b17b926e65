from .concurrency import offload
from .repository import Users
users = Users()
async def read():
    return await offload(users.all)
