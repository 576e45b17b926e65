import aiosqlite
async def rows():
    async with aiosqlite.connect("x") as db:
        cursor = await db.execute("select 1")
        return await cursor.fetchall()
