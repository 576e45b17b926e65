from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession
async def read(session: AsyncSession):
    return (await session.exec(select(1))).all()
