class Config:
    def __init__(self, text):
        self.text = text
    @classmethod
    def load(cls, name):
        with open(name) as file:
            return cls(file.read())
async def read():
    return Config.load("x")
