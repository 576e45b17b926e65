import tarfile
async def unpack(path):
    with tarfile.open(path) as archive:
        archive.extractall("out")
