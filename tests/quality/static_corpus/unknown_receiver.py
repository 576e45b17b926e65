async def read(client, store):
    store.save(client.name)
    return client.get("x")
