import requests
from starlette.middleware.base import BaseHTTPMiddleware
class Auth(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        self.check(request)
        return await call_next(request)
    def check(self, request):
        requests.get("http://auth")
