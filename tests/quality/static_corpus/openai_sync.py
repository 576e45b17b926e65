from openai import OpenAI
def client():
    return OpenAI()
async def complete(prompt):
    return client().chat.completions.create(model="x", messages=[prompt])
