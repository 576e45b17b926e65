import asyncio, time
class Runner:
    async def run(self, function, *args):
        return await asyncio.get_running_loop().run_in_executor(None, function, *args)
runner = Runner()
async def read():
    await runner.run(time.sleep, 1)
