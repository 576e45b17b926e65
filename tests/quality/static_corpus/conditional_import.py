try:
    import requests as http
except ImportError:
    http = None
async def read():
    return http.get("http://x")
