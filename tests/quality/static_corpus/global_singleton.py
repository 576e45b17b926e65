import requests
class Client:
    def __init__(self):
        self._http = requests.Session()
    def send(self, data):
        return self._http.post("http://x", json=data)
client = Client()
async def read():
    return client.send({})
