class Session:
    async def get(self, url):
        return url
    async def execute(self, sql):
        return sql
class time:
    @staticmethod
    def sleep(seconds):
        return seconds
async def read():
    time.sleep(1)
    await Session().get("x")
    await Session().execute("x")
