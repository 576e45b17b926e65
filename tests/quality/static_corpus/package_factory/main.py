from storage import get_storage
store = get_storage("local")
async def upload(data):
    store.save(data)
