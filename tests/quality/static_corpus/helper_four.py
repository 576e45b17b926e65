import sqlite3
class Store:
    def __init__(self, path):
        self.connection = sqlite3.connect(path)
    def rows(self):
        return self._run("select 1")
    def _run(self, sql):
        return self.connection.execute(sql)
class Service:
    def __init__(self):
        self.store = Store("x.db")
    def all(self):
        return self.store.rows()
def everything(service: Service):
    return service.all()
async def read():
    return everything(Service())
