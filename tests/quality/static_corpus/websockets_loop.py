import websockets
async def listen():
    async with websockets.connect("ws://x") as socket:
        async for message in socket:
            await socket.send(message)
