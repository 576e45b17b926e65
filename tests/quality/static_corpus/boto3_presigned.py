import boto3
s3 = boto3.client("s3")
async def link(key):
    return s3.generate_presigned_url("get_object", Params={"Bucket": "x", "Key": key})
