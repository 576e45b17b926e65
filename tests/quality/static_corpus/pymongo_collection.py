from pymongo import MongoClient
client = MongoClient("x")
db = client.shop
async def read(key):
    return db.users.find_one({"_id": key})
