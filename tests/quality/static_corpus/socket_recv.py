import socket
async def talk():
    with socket.socket() as connection:
        connection.connect(("x", 80))
        connection.sendall(b"x")
        return connection.recv(10)
