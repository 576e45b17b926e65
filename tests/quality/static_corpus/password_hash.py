import bcrypt
async def register(password):
    return bcrypt.hashpw(password, bcrypt.gensalt())
