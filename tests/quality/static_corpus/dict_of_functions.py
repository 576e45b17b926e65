import time
def slow():
    time.sleep(1)
def fast():
    return 1
ACTIONS = {"slow": slow, "fast": fast}
async def run(name):
    return ACTIONS[name]()
