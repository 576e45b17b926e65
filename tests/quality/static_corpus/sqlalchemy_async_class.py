from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import sessionmaker
Local = sessionmaker(create_async_engine("sqlite+aiosqlite://"), class_=AsyncSession)
async def write(item):
    async with Local() as session:
        session.add(item)
        await session.commit()
