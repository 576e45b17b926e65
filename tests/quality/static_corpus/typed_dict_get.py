from typing import TypedDict
class User(TypedDict):
    name: str
async def read(user: User, users: dict[str, User]):
    return user.get("name"), users.get("x")
