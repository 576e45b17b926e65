import asyncio, socket
class Reader:
    def __init__(self):
        self.socket = socket.socket()
        self.socket.setblocking(False)
    def start(self, loop: asyncio.AbstractEventLoop):
        loop.add_reader(self.socket, self.ready)
    def ready(self):
        self.socket.recv(100)
