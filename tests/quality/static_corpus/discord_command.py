import requests
from discord.ext import commands
class Cog(commands.Cog):
    @commands.command()
    async def joke(self, ctx):
        await ctx.send(requests.get("http://x").text)
