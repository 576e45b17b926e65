import aiomysql
async def rows(pool: aiomysql.Pool):
    async with pool.acquire() as connection:
        async with connection.cursor() as cursor:
            await cursor.execute("select 1")
            return await cursor.fetchall()
