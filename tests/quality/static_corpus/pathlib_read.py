from pathlib import Path
BASE = Path(__file__).parent / "data"
async def read():
    return (BASE / "x.txt").read_text()
