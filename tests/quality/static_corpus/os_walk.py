import os
async def names(folder):
    return [name for _, _, files in os.walk(folder) for name in files]
