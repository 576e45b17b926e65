def rows(name):
    with open(name) as file:
        for line in file:
            yield line
async def read(name):
    lines = rows(name)
    return sum(len(line) for line in lines)
