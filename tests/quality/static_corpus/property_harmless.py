class User:
    def __init__(self):
        self.first, self.last = "a", "b"
    @property
    def name(self):
        return self.first + self.last
async def read(user: User):
    return user.name
