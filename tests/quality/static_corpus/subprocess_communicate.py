import subprocess
async def convert(name):
    child = subprocess.Popen(["convert", name], stdout=subprocess.PIPE)
    output, _ = child.communicate()
    return output
