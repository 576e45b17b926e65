import io
async def read():
    buffer = io.BytesIO()
    buffer.write(b"x")
    buffer.seek(0)
    return buffer.read()
