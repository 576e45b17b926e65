async def read(data: dict, text: str):
    value = data.get("x")
    parts = text.split(",")
    return value, ",".join(parts), data.pop("y", None)
