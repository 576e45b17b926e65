from tortoise.models import Model
class User(Model):
    pass
async def read(pk):
    user = await User.get(id=pk)
    await user.save()
    return await User.filter(active=True).first()
