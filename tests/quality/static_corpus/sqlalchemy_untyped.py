from fastapi import Depends
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker
Local = sessionmaker(create_engine("sqlite://"))
def get_db():
    db = Local()
    yield db
async def write(item, db=Depends(get_db)):
    db.add(item)
    db.commit()
