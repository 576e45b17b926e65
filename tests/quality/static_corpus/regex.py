import re
PATTERN = re.compile(r"\d+")
async def read(text):
    return PATTERN.findall(text) or re.sub("a", "b", text)
