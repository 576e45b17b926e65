from openai import AsyncOpenAI
client = AsyncOpenAI()
async def complete(prompt):
    return await client.chat.completions.create(model="x", messages=[prompt])
