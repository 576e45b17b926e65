import time
from tornado.web import RequestHandler
class Main(RequestHandler):
    async def post(self):
        time.sleep(1)
