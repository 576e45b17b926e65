import subprocess
async def alive(child: subprocess.Popen):
    return child.poll() is None
