from typing import TYPE_CHECKING
if TYPE_CHECKING:
    import time
    def wait():
        time.sleep(1)
else:
    async def wait():
        return None
async def read():
    await wait()
