async def read(input, open, sleep):
    return input("x"), open("y"), sleep(1)
