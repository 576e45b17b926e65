from motor.motor_asyncio import AsyncIOMotorClient
db = AsyncIOMotorClient("x").shop
async def read(key):
    return await db.users.find_one({"_id": key})
