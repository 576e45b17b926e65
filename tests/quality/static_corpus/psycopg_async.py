import psycopg
async def rows():
    async with await psycopg.AsyncConnection.connect("x") as connection:
        async with connection.cursor() as cursor:
            await cursor.execute("select 1")
            return await cursor.fetchall()
