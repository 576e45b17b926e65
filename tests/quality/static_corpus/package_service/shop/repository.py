from shop.db import SessionLocal
class Users:
    def __init__(self):
        self.session = SessionLocal()
    def all(self):
        return self.session.scalars("select 1")
