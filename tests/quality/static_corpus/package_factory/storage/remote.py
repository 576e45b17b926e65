from .base import Storage
class RemoteStorage(Storage):
    def save(self, data):
        return None
