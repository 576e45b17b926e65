import sqlite3
class Users:
    def all(self):
        return sqlite3.connect("x").execute("select 1").fetchall()
