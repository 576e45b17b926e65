import boto3
table = boto3.resource("dynamodb").Table("users")
async def load(key):
    return table.get_item(Key={"id": key})
