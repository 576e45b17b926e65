class Anything:
    def __getattr__(self, name):
        return self
    def __call__(self, *args):
        return self
async def read(thing: Anything):
    return thing.session.get("x")
