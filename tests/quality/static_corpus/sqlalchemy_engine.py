import sqlalchemy as sa
engine = sa.create_engine("sqlite://")
async def read():
    with engine.connect() as connection:
        return connection.execute(sa.text("select 1"))
