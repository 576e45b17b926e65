import requests
class User:
    @property
    def avatar(self):
        return requests.get("http://x").content
async def read(user: User):
    return user.avatar
