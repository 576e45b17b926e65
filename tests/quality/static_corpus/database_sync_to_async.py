from channels.db import database_sync_to_async
from django.db import models
class Room(models.Model):
    pass
class Consumer:
    async def connect(self):
        self.room = await self.load()
    @database_sync_to_async
    def load(self):
        return Room.objects.get(pk=1)
