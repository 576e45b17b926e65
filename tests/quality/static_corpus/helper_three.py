import subprocess
def a():
    subprocess.run(["true"])
def b():
    a()
def c():
    b()
async def read():
    c()
