import requests
async def read():
    try:
        return 1
    except requests.RequestException as error:
        return str(error)
