class Unit:
    async def __aenter__(self):
        return self
    async def __aexit__(self, *error):
        await self.commit()
    async def commit(self):
        return None
async def write():
    async with Unit() as unit:
        await unit.commit()
