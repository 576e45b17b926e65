import pathlib
import yaml
async def read():
    return yaml.safe_load(pathlib.Path("x.yml").read_text())
