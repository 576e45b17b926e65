import asyncio
def log(task):
    with open("log", "a") as file:
        file.write("done")
async def work():
    pass
async def read():
    asyncio.create_task(work()).add_done_callback(log)
