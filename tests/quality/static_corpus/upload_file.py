from fastapi import FastAPI, UploadFile
app = FastAPI()
@app.post("/")
async def upload(file: UploadFile):
    return len(await file.read())
