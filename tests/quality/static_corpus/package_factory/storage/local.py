from .base import Storage
class LocalStorage(Storage):
    def save(self, data):
        with open("x", "wb") as file:
            file.write(data)
