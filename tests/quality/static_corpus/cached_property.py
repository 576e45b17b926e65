from functools import cached_property
class Settings:
    @cached_property
    def raw(self):
        with open("x") as file:
            return file.read()
settings = Settings()
async def read():
    return settings.raw
