async def ask():
    return input("? ")
