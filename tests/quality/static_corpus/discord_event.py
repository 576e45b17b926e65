import time
import discord
client = discord.Client(intents=discord.Intents.default())
@client.event
async def on_message(message):
    time.sleep(1)
