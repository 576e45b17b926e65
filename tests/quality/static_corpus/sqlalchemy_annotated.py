from typing import Annotated
from fastapi import Depends
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session
engine = create_engine("sqlite://")
def get_session():
    with Session(engine) as session:
        yield session
SessionDep = Annotated[Session, Depends(get_session)]
async def write(session: SessionDep):
    session.execute(text("select 1"))
    session.commit()
