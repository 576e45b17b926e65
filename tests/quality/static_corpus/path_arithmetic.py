from pathlib import Path
async def read(name):
    return (Path("data") / name).with_suffix(".txt").name
