import anthropic
client = anthropic.AsyncAnthropic()
async def ask(text):
    return await client.messages.create(model="x", messages=[text], max_tokens=1)
