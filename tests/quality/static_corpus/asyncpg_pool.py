import asyncpg
async def read(pool: asyncpg.Pool):
    async with pool.acquire() as connection:
        return await connection.fetch("select 1")
