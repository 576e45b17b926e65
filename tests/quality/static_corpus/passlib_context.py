from passlib.context import CryptContext
pwd_context = CryptContext(schemes=["bcrypt"])
def verify(plain, hashed):
    return pwd_context.verify(plain, hashed)
async def login(form):
    return verify(form.password, "x")
