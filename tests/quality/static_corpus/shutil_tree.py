import shutil
async def copy(a, b):
    shutil.copytree(a, b)
