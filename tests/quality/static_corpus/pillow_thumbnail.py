import io
from PIL import Image
async def thumb(data):
    image = Image.open(io.BytesIO(data))
    image.thumbnail((100, 100))
    image.save("x.png")
