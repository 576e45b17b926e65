import zipfile
async def unpack(path):
    with zipfile.ZipFile(path) as archive:
        archive.extractall("out")
