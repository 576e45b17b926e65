import time
def slow():
    time.sleep(1)
ACTIONS = {"slow": slow}
async def run(name):
    action = ACTIONS.get(name)
    return action()
