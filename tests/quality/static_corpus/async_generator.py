async def lines():
    with open("x") as file:
        for line in file:
            yield line
