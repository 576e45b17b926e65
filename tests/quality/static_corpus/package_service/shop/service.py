from .repository import Users
class UserService:
    def __init__(self, users: Users | None = None):
        self.users = users or Users()
    def everybody(self):
        return self.users.all()
