import aioboto3
async def upload(data):
    async with aioboto3.Session().client("s3") as s3:
        await s3.put_object(Bucket="x", Key="y", Body=data)
