from starlette.responses import StreamingResponse
def rows(name):
    with open(name) as file:
        for line in file:
            yield line
async def download(name):
    body = rows(name)
    return StreamingResponse(body)
