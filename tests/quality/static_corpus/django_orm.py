from django.db import models
from django.http import JsonResponse
class User(models.Model):
    name = models.CharField(max_length=10)
async def view(request, pk):
    user = User.objects.get(pk=pk)
    return JsonResponse({"name": user.name})
