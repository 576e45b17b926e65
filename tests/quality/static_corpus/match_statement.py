import time
async def read(command):
    match command:
        case {"wait": seconds}:
            time.sleep(seconds)
        case _:
            return None
