import time
from sanic import Sanic
from sanic.response import text
app = Sanic("x")
@app.get("/")
def read(request):
    time.sleep(1)
    return text("")
