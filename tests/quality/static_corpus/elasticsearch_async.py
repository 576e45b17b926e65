from elasticsearch import AsyncElasticsearch
client = AsyncElasticsearch()
async def search(text):
    return await client.search(index="x", query={"match": {"t": text}})
