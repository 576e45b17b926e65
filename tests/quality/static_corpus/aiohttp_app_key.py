import redis
from aiohttp import web
async def read(request):
    return web.Response(body=request.app["cache"].get("x"))
app = web.Application()
app["cache"] = redis.Redis()
app.router.add_get("/", read)
