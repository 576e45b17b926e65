import time
from quart import Quart
app = Quart(__name__)
@app.route("/")
def read():
    time.sleep(1)
    return ""
