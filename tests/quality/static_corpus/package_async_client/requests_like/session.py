class Session:
    async def get(self, url):
        return url
