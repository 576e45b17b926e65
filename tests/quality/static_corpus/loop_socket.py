import asyncio, socket
async def talk():
    loop = asyncio.get_running_loop()
    connection = socket.socket()
    connection.setblocking(False)
    await loop.sock_connect(connection, ("x", 80))
    await loop.sock_sendall(connection, b"x")
    return await loop.sock_recv(connection, 10)
