import subprocess
async def convert(name):
    subprocess.run(["convert", name], check=True)
