from .local import LocalStorage
from .remote import RemoteStorage
def get_storage(kind):
    if kind == "local":
        return LocalStorage()
    return RemoteStorage()
