import boto3
s3 = boto3.client("s3")
async def upload(data):
    s3.put_object(Bucket="x", Key="y", Body=data)
