import abc, time
class Device(abc.ABC):
    @abc.abstractmethod
    def read(self): ...
class Slow(Device):
    def read(self):
        time.sleep(1)
async def serve(device: Device):
    return device.read()
