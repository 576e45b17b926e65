import hashlib
async def read(text):
    return hashlib.sha256(text.encode()).hexdigest()
