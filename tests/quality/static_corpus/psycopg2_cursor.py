import psycopg2
async def read():
    with psycopg2.connect("x") as connection:
        cursor = connection.cursor()
        cursor.execute("select 1")
        return cursor.fetchall()
