from fastapi import APIRouter
from .service import UserService
router = APIRouter()
service = UserService()
@router.get("/users")
async def users():
    return service.everybody()
