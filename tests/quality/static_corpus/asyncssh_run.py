import asyncssh
async def run(host):
    async with asyncssh.connect(host) as connection:
        return await connection.run("ls")
