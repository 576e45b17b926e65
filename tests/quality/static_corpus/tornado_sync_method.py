import requests
import tornado.web
class Main(tornado.web.RequestHandler):
    def get(self):
        self.write(requests.get("http://x").text)
