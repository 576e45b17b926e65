from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
Local = async_sessionmaker(create_async_engine("sqlite+aiosqlite://"))
async def get_db():
    async with Local() as session:
        yield session
async def write(item, db: AsyncSession = Depends(get_db)):
    db.add(item)
    await db.execute("select 1")
    await db.commit()
