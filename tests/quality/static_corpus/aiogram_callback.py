import sqlite3
from aiogram import Dispatcher
dp = Dispatcher()
db = sqlite3.connect("x")
@dp.message()
async def start(message):
    db.execute("select 1")
    await message.answer("x")
