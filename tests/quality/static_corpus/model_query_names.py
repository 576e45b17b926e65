class Search:
    def query(self, text):
        return self
    def filter(self, **named):
        return self
    def all(self):
        return []
async def read():
    return Search().query("x").filter(a=1).all()
