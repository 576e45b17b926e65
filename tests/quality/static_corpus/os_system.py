import os
async def convert():
    os.system("convert a b")
