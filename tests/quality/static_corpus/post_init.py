from dataclasses import dataclass
from pathlib import Path
@dataclass
class Blob:
    path: Path
    def __post_init__(self):
        self.data = self.path.read_bytes()
async def read():
    return Blob(Path("x"))
