def size(name):
    with open(name) as file:
        return len(file.read())
async def read(names):
    return sorted(names, key=size)
